// SPDX-License-Identifier: MIT
// Reports that are files: what they are called, and stdout for `-o -`.
import { basename, dirname, join } from 'node:path';
import { checkOutput, escapeTemplate } from '../tracker/destination.js';
import type { Options } from './options.js';
import { print, writeReport } from './output.js';

type Chunks = Iterable<string | Uint8Array>;

const STDOUT = '-';
/** Chunks are joined: a system call for each line would take most of the time. */
const WRITE_BYTES = 1 << 16;

export interface ReportFile {
  /** `-` is stdout. */
  readonly path: string;
  readonly overwrite: boolean;
}

/** What the options ask for, in a word; nothing for the peak. */
export function profileWord(options: Options): string | undefined {
  if (options.jsHeap) return options.leaks ? 'js-heap-leaks' : 'js-heap';
  const { leaks, temporaryAllocations, temporaryAllocationThreshold } = options;
  if (temporaryAllocations || temporaryAllocationThreshold !== undefined) return 'temporary';
  return leaks ? 'leaks' : undefined;
}

/** How large a page may get: as large as pages are by default unless --no-fold says otherwise. */
export function pageSize({ fold }: Options): { maxBytes?: number } {
  return fold === false ? { maxBytes: Number.POSITIVE_INFINITY } : {};
}

/**
 * Where a report goes: `memtape-<kind>-<name>.<extension>` beside the (first) capture unless -o says otherwise.
 * @throws NativeError it cannot be written there, before any work is done
 */
export function reportFile(
  [capture = '']: readonly string[],
  { kind, extension }: { readonly kind: string; readonly extension: string },
  options: Options,
): ReportFile {
  const name = basename(capture)
    .replace(/^memtape-/, '')
    .replace(/\.bin$/, '');
  const path = options.output ?? join(dirname(capture), `memtape-${kind}-${name}.${extension}`);
  const overwrite = options.force ?? false;
  if (path !== STDOUT) checkOutput(escapeTemplate(path), overwrite);
  return { path, overwrite };
}

/** Writes the report and says where to, with `more` on the same line. */
export async function writeReportFile(
  { path, overwrite }: ReportFile,
  chunks: Chunks,
  options: Options,
  more = '',
): Promise<void> {
  if (path === STDOUT) {
    for (const chunk of joined(chunks)) await print(chunk);
    return;
  }
  await writeReport(path, joined(chunks), overwrite);
  if (!options.quiet) process.stderr.write(`memtape: wrote ${path}${more}\n`);
}

function* joined(chunks: Chunks): Generator<Uint8Array> {
  let pending: Uint8Array[] = [];
  let bytes = 0;
  for (const chunk of chunks) {
    const piece = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    pending.push(piece);
    bytes += piece.length;
    if (bytes < WRITE_BYTES) continue;
    yield Buffer.concat(pending);
    pending = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(pending);
}
