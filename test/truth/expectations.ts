// SPDX-License-Identifier: MIT
// Reads from a test script what a report about it must say. A line that allocates ends in
//   //= LEAF < CALLER < … [@FILE:LINE] xCOUNT     JavaScript functions, `*` for any name
//   //= native FUNCTION xCOUNT                    no JavaScript on the thread
//   //= LEAF < … in FUNCTION (LABEL) (LABEL) xCOUNT
//                                                 on another thread, below labels that lead there, innermost first
// and its six-digit prime sizes name it: nothing else in the process allocates them.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

export interface Expectation {
  readonly size: number;
  readonly count: number;
  readonly chain: readonly string[];
  /** Base name of the file. */
  readonly file: string;
  readonly line: number;
  /** Where in the line the called method's name stands, from 1; undefined where that is not where V8 puts the call. */
  readonly column: number | undefined;
  /** The C++ function that must be the leaf, when the thread runs no JavaScript. */
  readonly native: string | undefined;
  /** Between that function and the JavaScript, innermost first. */
  readonly labels: readonly string[];
}

const marker =
  /\/\/= (?:(?<chain>.+?))?(?:(?:native| in) (?<native>\w+)(?: (?<labels>\(.+\)))?)?(?: @(?<file>.+?):(?<line>\d+))? x(?<count>\d+)/;
const sizes = /\b1[0-3]\d{4}\b/g;
const call = /(?<!new )addon\.(\w+)\((?:\w+ \+ |\w+, )?(\d+)/g;

function columnsOf(text: string): Map<number, number> {
  const columns = new Map<number, number>();
  for (const match of text.matchAll(call)) {
    // A column counts from 1, and V8 puts a call of `a.b()` at b.
    columns.set(Number(match[2]), match.index + 'addon.'.length + 1);
  }
  return columns;
}

function fromLine(text: string, file: string, line: number): Expectation[] {
  const found = marker.exec(text)?.groups;
  if (!found) return [];
  const columns = found['file'] === undefined ? columnsOf(text) : new Map<number, number>();
  return [...text.matchAll(sizes)].map(([digits]) => ({
    size: Number(digits),
    count: Number(found['count']),
    chain: found['chain']?.split(' < ') ?? [],
    file: found['file'] ?? file,
    line: Number(found['line'] ?? line),
    column: columns.get(Number(digits)),
    native: found['native'],
    labels: found['labels']?.match(/\([^)]+\)/g) ?? [],
  }));
}

/** All expectations of the files: a script and what it loads. */
export function expectationsOf(paths: readonly string[]): Expectation[] {
  return paths.flatMap((path) =>
    readFileSync(path, 'utf8')
      .split('\n')
      .flatMap((text, i) => fromLine(text, basename(path), i + 1)),
  );
}

/** A JavaScript frame as any source tells of it. */
export interface SeenFrame {
  readonly name: string;
  /** Path or URL. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** `/a/b.js`, `file:///a/b.js?x` → `b.js`. */
export function fileName(file: string): string {
  return basename(file.replace(/^file:\/\//, '').replace(/\?.*$/, ''));
}

/** What is wrong with the frames (leaf first, frames of Node.js itself left out), or undefined. */
export function disagreement(
  wanted: Expectation,
  frames: readonly SeenFrame[],
): string | undefined {
  const leaf = frames[0];
  if (!leaf) return 'no JavaScript frame';
  const position = `${fileName(leaf.file)}:${leaf.line}`;
  if (position !== `${wanted.file}:${wanted.line}`) return `at ${position}`;
  if (wanted.column !== undefined && leaf.column !== wanted.column)
    return `at column ${leaf.column}`;
  for (const [i, name] of wanted.chain.entries()) {
    const seen = frames[i]?.name;
    if (name !== '*' && seen !== name) return `frame ${i} is ${seen}, not ${name}`;
  }
  return undefined;
}
