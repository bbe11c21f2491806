// SPDX-License-Identifier: MIT
// The typed door to the addon, and the only place that loads machine code.
import { locate } from './locate.js';
import { NativeError } from './native-error.js';

export interface NativeStartOptions {
  /** Absolute path of the capture. */
  readonly path: string;
  /** Overwrite an existing file. */
  readonly force: boolean;
  /** Time between memory samples, in milliseconds. */
  readonly intervalMs: number;
  /** Full native stacks. */
  readonly native: boolean;
  /** Also record processes that this one starts. */
  readonly follow: boolean;
  /** Bytes between two samples of JavaScript heaps; 0: they are not sampled. */
  readonly jsHeapInterval: number;
  /** What the capture's metadata says was started: executable, script, arguments. */
  readonly command: string[];
  readonly execArgv: string[];
  /** The preload library, to load when the process was started without it. */
  readonly library: string;
}

/** What the recording saw. */
export interface NativeSummary {
  /** Absolute path of the capture. */
  readonly path: string;
  /** From start to stop, in nanoseconds. */
  readonly durationNs: number;
  /** Calls that allocated a block. */
  readonly allocations: number;
  /** Blocks freed. */
  readonly frees: number;
  /** Sum of all requested sizes, in bytes. */
  readonly allocatedBytes: number;
  /** Highest heap (live blocks + committed mappings), in bytes. */
  readonly peakBytes: number;
  /** Bytes in blocks that were live at the stop. */
  readonly liveBytes: number;
  /** Blocks that were live at the stop. */
  readonly liveBlocks: number;
  /** Frees of blocks that were allocated before the start. */
  readonly foreignFrees: number;
  /** Blocks whose address came back from the allocator without a free. */
  readonly missedFrees: number;
  /** Events inside a signal handler that interrupted a hook: counted, without a stack. */
  readonly nested: number;
  /** How often a thread waited for the log. */
  readonly stalls: number;
  /** How long threads waited for the log, in nanoseconds. */
  readonly stallNs: number;
  /** Events lost. 0 unless writing the capture failed. */
  readonly dropped: number;
  /** Why recording ended early (a full disk, say), or null. */
  readonly error: string | null;
}

export interface NativeStatus {
  readonly active: boolean;
  /** How hooks were installed: by LD_PRELOAD, by patching imports, or not at all. */
  readonly mode: 'preload' | 'patch' | 'off';
  readonly path: string | null;
  readonly jsStacks: 'frames' | 'none';
  readonly jsStacksReason: string | null;
}

export interface NativeBinding {
  readonly version: string;
  start(options: NativeStartOptions): void;
  /** null: nothing is being recorded by this process. */
  stop(): NativeSummary | null;
  mark(name: string): void;
  status(): NativeStatus;
  demangle(names: string[]): string[];
}

let loaded: NativeBinding | undefined;

/**
 * Loads the addon once per thread.
 * @throws NativeError `ERR_MEMTAPE_UNSUPPORTED` (no binary for this platform), `ERR_DLOPEN_FAILED`
 * or `ERR_DLOPEN_DISABLED` (Node's permission model).
 */
export function loadBinding(): NativeBinding {
  if (loaded !== undefined) return loaded;
  const found = locate();
  if (found === null) {
    throw new NativeError(`no native part for ${process.platform}-${process.arch}`, {
      code: 'ERR_MEMTAPE_UNSUPPORTED',
      hint: 'supported: linux-x64, linux-arm64, darwin-x64, darwin-arm64; in a clone, run `npm run build`',
    });
  }
  const module = { exports: {} as NativeBinding };
  try {
    process.dlopen(module as unknown as NodeModule, found.addon);
  } catch (error) {
    throw NativeError.from(error, 'ERR_DLOPEN_FAILED');
  }
  loaded = module.exports;
  return loaded;
}
