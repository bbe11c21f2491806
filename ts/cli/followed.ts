// SPDX-License-Identifier: MIT
// The other captures of a run: those of processes that the program started (--follow), and those of
// the programs that a process was before it became another one (exec).
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { parseFileHeader } from '../decode/file-header.js';
import { FormatError } from '../decode/format-error.js';
import { MAX_FILE_HEADER_BYTES } from '../format/constants.js';
import type { FileHeader } from '../format/records.js';
import { expandTemplate } from '../tracker/destination.js';

export interface OtherCapture {
  readonly path: string;
  readonly pid: number;
  /** The process became another program, which has a capture of its own. */
  readonly replaced: boolean;
}

const literal = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
const PID = '\u0000';

/**
 * Names of captures by any process. Without `%p` in it, the preload library puts `.<pid>` before the
 * extension for every process but the first; and, before that, `.<pid>` or `.<pid>-<n>` for a program
 * that its process has left behind.
 */
function namePattern(template: string): RegExp {
  const own = basename(template).replace(/%[p%]/g, (key) => (key === '%p' ? PID : '%'));
  const extension = extname(own);
  const stem = own.slice(0, own.length - extension.length);
  const inserted = String.raw`(?:\.\d+(?:-\d+)?){0,2}`;
  const pattern = `^${literal(stem)}${inserted}${literal(extension)}$`;
  return new RegExp(pattern.replaceAll(PID, String.raw`\d+`));
}

function headerOf(path: string): FileHeader | null {
  const bytes = Buffer.alloc(MAX_FILE_HEADER_BYTES);
  const file = openSync(path, 'r');
  try {
    return parseFileHeader(bytes.subarray(0, readSync(file, bytes)));
  } catch (error) {
    if (error instanceof FormatError) return null;
    throw error;
  } finally {
    closeSync(file);
  }
}

/** Captures by this template that were begun since a time, the one at `except` left out. */
export function otherCaptures(template: string, sinceMs: number, except: string): OtherCapture[] {
  const folder = dirname(expandTemplate(template, { pid: 0 }));
  const pattern = namePattern(template);
  const found = readdirSync(folder)
    .filter((name) => pattern.test(name))
    .map((name) => join(folder, name))
    .flatMap((path) => {
      const header = headerOf(path);
      return header === null ? [] : [{ path, pid: header.pid, began: header.startUnixNs }];
    })
    .filter(({ began }) => began >= BigInt(sinceMs) * 1_000_000n)
    .sort((a, b) => (a.began < b.began ? -1 : 1));
  const last = new Map(found.map(({ pid, path }) => [pid, path]));
  return found
    .filter(({ path }) => path !== except)
    .map(({ path, pid }) => ({ path, pid, replaced: last.get(pid) !== path }));
}
