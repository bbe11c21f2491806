// SPDX-License-Identifier: MIT
import { OWN_MARK_PREFIX } from '../format/constants.js';
import { loadBinding, type NativeSummary } from '../native/binding.js';
import { locate } from '../native/locate.js';
import { NativeError } from '../native/native-error.js';
import { show } from './destination.js';
import { resolveOptions, type TrackerOptions } from './options.js';
import { UsageError } from './usage-error.js';

/** What a recording saw. */
export type TrackerSummary = NativeSummary;

/**
 * Records every allocation of this process, on all its threads, into a capture file.
 *
 *     new Tracker() ──► running ── stop(), end of `using` ──► stopped
 *                          └────── end of the process ──────► capture complete all the same
 *
 * One Tracker can run in a process at a time. Before it starts and after it stops, the process runs
 * as if memtape were not there.
 */
export class Tracker implements Disposable, AsyncDisposable {
  /** Absolute path of the capture. */
  readonly path: string;
  #summary: TrackerSummary | undefined;

  /**
   * Starts to record.
   * @param options where the capture goes, or all options
   * @throws UsageError an option is unknown or wrong
   * @throws NativeError `ERR_MEMTAPE_ACTIVE` a recording runs already; `ERR_MEMTAPE_UNSUPPORTED` no
   * binary for this platform; or an errno name: the capture cannot be written there (`EEXIST`, …)
   */
  constructor(options?: string | TrackerOptions) {
    const resolved = resolveOptions(options);
    const binding = loadBinding();
    const { active, path } = binding.status();
    if (active) {
      throw new NativeError(`this process is being recorded already, into ${path}`, {
        code: 'ERR_MEMTAPE_ACTIVE',
        hint: 'stop the other Tracker first; under `memtape run` there is one from the start',
      });
    }
    try {
      binding.start({
        path: resolved.path,
        force: resolved.overwrite,
        intervalMs: resolved.intervalMs,
        native: resolved.native,
        follow: resolved.follow,
        jsHeapInterval: resolved.jsHeapInterval,
        command: process.argv,
        execArgv: process.execArgv,
        library: locate()?.preload ?? '',
      });
    } catch (error) {
      throw NativeError.from(error, 'ERR_MEMTAPE_START');
    }
    this.path = resolved.path;
  }

  /** Whether {@link stop} has not been called yet. */
  get running(): boolean {
    return this.#summary === undefined;
  }

  /**
   * Stops and completes the capture. Further calls return the same summary.
   *
   * A full disk is no reason to throw: what was recorded is kept, `error` says why the rest is not.
   * @throws NativeError `ERR_MEMTAPE_NOT_RECORDING` this process is not being recorded
   */
  stop(): TrackerSummary {
    if (this.#summary !== undefined) return this.#summary;
    const summary = loadBinding().stop();
    if (summary === null) {
      throw new NativeError('this process is not being recorded', {
        code: 'ERR_MEMTAPE_NOT_RECORDING',
      });
    }
    this.#summary = Object.freeze(summary);
    return summary;
  }

  /**
   * Puts a named instant on the timeline.
   * @throws UsageError the name is not a non-empty string, or one that memtape uses itself
   * @throws NativeError `ERR_MEMTAPE_STOPPED` this Tracker has been stopped
   */
  mark(name: string): void {
    if (typeof name !== 'string' || name === '') {
      throw new UsageError(`the name of a mark must be a non-empty string, got ${show(name)}`);
    }
    if (name.startsWith(OWN_MARK_PREFIX)) {
      throw new UsageError(
        `marks that begin with "${OWN_MARK_PREFIX}" are memtape's own: "${name}"`,
      );
    }
    if (!this.running) {
      throw new NativeError('this Tracker has been stopped', { code: 'ERR_MEMTAPE_STOPPED' });
    }
    loadBinding().mark(name);
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
  }
}

/** The same as `new Tracker(options)`, to read well after `using`: `using tape = track('out.bin');`. */
export function track(options?: string | TrackerOptions): Tracker {
  return new Tracker(options);
}
