// SPDX-License-Identifier: MIT
// Lines and inlined functions, by a tool that reads DWARF: llvm-symbolizer or addr2line.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { delimiter, join, posix } from 'node:path';
import type { NativeLocation } from './native.js';

export interface LineTool {
  readonly path: string;
  readonly arguments: (file: string) => readonly string[];
  /** It gives the innermost function the name of the symbol at the address, unless that one has a mangled name. */
  readonly confusesInnermost: boolean;
}

// 3000 calls of a program with 10 MB of .debug_info took llvm-symbolizer 14 0.19 s, addr2line 2.40 0.36 s and
// eu-addr2line 0.188 30.7 s, all with the same lines.
const TOOLS: readonly (Omit<LineTool, 'path'> & { readonly name: RegExp })[] = [
  {
    name: /^llvm-symbolizer(?:-\d+)?$/,
    arguments: (file) => [
      '--output-style=GNU',
      '--addresses',
      '--functions=linkage',
      '--inlines',
      '--no-demangle',
      `--obj=${file}`,
    ],
    confusesInnermost: false,
  },
  {
    name: /^addr2line$/,
    arguments: (file) => ['--addresses', '--functions', '--inlines', `--exe=${file}`],
    confusesInnermost: true,
  },
];
const MAX_OUTPUT_BYTES = 1 << 30;
const TIMEOUT_MS = 300_000;
const ADDRESS = /^0x[0-9a-f]+$/;
const UNKNOWN = '??';

/** The best tool on the PATH. */
export function findLineTool(path = process.env['PATH'] ?? ''): LineTool | null {
  const folders = path.split(delimiter).filter((folder) => folder !== '');
  const files = folders.map((folder) => ({ folder, names: namesIn(folder) }));
  for (const { name, ...tool } of TOOLS) {
    for (const { folder, names } of files) {
      // The plain name first, else the latest version.
      const found = names.filter((file) => name.test(file)).sort(byVersion)[0];
      if (found !== undefined) return { ...tool, path: join(folder, found) };
    }
  }
  return null;
}

/**
 * For each address of the file the functions that it is in, outermost first, with their names as the compiler made them;
 * none where there is no line. null when the tool failed.
 */
export function locateByTool(
  tool: LineTool,
  file: string,
  addresses: readonly number[],
): NativeLocation[][] | null {
  const { status, stdout } = spawnSync(tool.path, tool.arguments(file), {
    input: addresses.map((address) => `0x${address.toString(16)}\n`).join(''),
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'ignore'],
    maxBuffer: MAX_OUTPUT_BYTES,
    timeout: TIMEOUT_MS,
    env: { PATH: process.env['PATH'], LC_ALL: 'C' }, // No debuginfod of its own: the file is the right one.
  });
  if (status !== 0) return null;
  const found = parseLocations(stdout);
  if (found.length !== addresses.length) return null;
  return found.map((locations) => outermostFirst(tool, locations));
}

/** The address, then two lines for each function, innermost first: its name, and the place in it. */
export function parseLocations(output: string): NativeLocation[][] {
  const result: NativeLocation[][] = [];
  const lines = output.split('\n').filter((line) => line !== '');
  for (let at = 0; at < lines.length; ) {
    const line = lines[at] ?? '';
    if (ADDRESS.test(line)) {
      result.push([]);
      at++;
    } else {
      result.at(-1)?.push(location(line, lines[at + 1] ?? ''));
      at += 2;
    }
  }
  return result;
}

function location(name: string, place: string): NativeLocation {
  const [, file = '', line = ''] = /^(.*):(\d+|\?)(?: \(discriminator \d+\))?$/.exec(place) ?? [];
  // Without a line, llvm-symbolizer gives the file that the symbol table names.
  const known = file !== '' && file !== UNKNOWN && Number(line) > 0;
  return {
    name: name === UNKNOWN ? '' : name,
    file: known ? posix.normalize(file) : '',
    line: known ? Number(line) : 0,
  };
}

function outermostFirst(tool: LineTool, locations: readonly NativeLocation[]): NativeLocation[] {
  const [innermost, ...callers] = locations;
  if (!innermost || locations.every(({ file }) => file === '')) return [];
  const confused = tool.confusesInnermost && innermost.name === callers.at(-1)?.name;
  return [...callers.reverse(), confused ? { ...innermost, name: '' } : innermost];
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function byVersion(a: string, b: string): number {
  const version = (name: string) => Number(/-(\d+)$/.exec(name)?.[1] ?? Number.POSITIVE_INFINITY);
  return version(b) > version(a) ? 1 : version(b) < version(a) ? -1 : 0;
}
