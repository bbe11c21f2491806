// SPDX-License-Identifier: MIT
// What `run` and `env` share: options and environment to the settings of a recording.
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { locate, type SharedObjects } from '../native/locate.js';
import { NativeError } from '../native/native-error.js';
import { absoluteTemplate, checkOutput, expandTemplate } from '../tracker/destination.js';
import type { TraceSettings } from '../tracker/environment.js';
import type { Options } from './options.js';

const DEFAULT_INTERVAL_MS = 10;

/** @throws NativeError there is no binary for this platform */
export function sharedObjects(): SharedObjects {
  const files = locate();
  if (files !== null) return files;
  throw new NativeError(`memtape cannot record on ${process.platform}-${process.arch}`, {
    code: 'ERR_MEMTAPE_UNSUPPORTED',
    hint: 'in a clone, run `npm run build` first',
  });
}

/**
 * The dynamic linker splits LD_PRELOAD at spaces and colons and knows no quotes, so a library below
 * such a path is named through a link from a private folder, which goes when this process does.
 */
export function preloadable(files: SharedObjects): SharedObjects {
  if (!/[\s:]/.test(files.preload)) return files;
  const folder = mkdtempSync(join(tmpdir(), 'memtape-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const preload = join(folder, basename(files.preload));
  symlinkSync(files.preload, preload);
  return { ...files, preload };
}

async function defaults(): Promise<Partial<TraceSettings>> {
  if (!Object.keys(process.env).some((name) => name.startsWith('MEMTAPE_'))) return {};
  const { environmentDefaults } = await import('../tracker/environment-defaults.js');
  return environmentDefaults(process.env);
}

/**
 * Settings with an output that can be written; only `%p` is still open in it.
 * @throws UsageError, NativeError
 */
export async function traceSettings(
  options: Options,
  output: string,
  fallback: Partial<Pick<TraceSettings, 'follow'>> = {},
): Promise<TraceSettings> {
  const inherited = await defaults();
  const unixSeconds = Math.floor(Date.now() / 1000);
  const template = expandTemplate(absoluteTemplate(output), { unixSeconds });
  const force = options.force ?? false;
  checkOutput(template, force);
  return {
    output: template,
    intervalMs: options.interval ?? inherited.intervalMs ?? DEFAULT_INTERVAL_MS,
    native: options.native ?? inherited.native ?? false,
    follow: options.follow ?? inherited.follow ?? fallback.follow ?? false,
    force,
    jsHeapInterval:
      typeof options.jsHeap === 'number' ? options.jsHeap : (inherited.jsHeapInterval ?? 0),
  };
}
