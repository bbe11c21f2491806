// SPDX-License-Identifier: MIT
// V8's own stacks: Error.stack, written by the addon at allocations when TRUTH_ORACLE says where to.
import { readFileSync } from 'node:fs';
import type { SeenFrame } from './expectations.js';

/** `at async Foo.bar [as baz] (file:1:2)` without what says how it was called. */
function parseFrame(text: string): SeenFrame | undefined {
  if (/^\s+at async /.test(text)) return undefined; // not on the stack: V8 looks it up in promises
  const found = /^\s+at (?:(?<name>.*) \()?(?<where>[^()]+):(?<line>\d+):(?<column>\d+)\)?$/.exec(
    text,
  )?.groups;
  if (!found || found['where']?.startsWith('node:')) return undefined;
  const name = (found['name'] ?? '')
    .replace(/ \[as .*\]$/, '')
    .replace(/^(?:new|async|get|set) /, '')
    .replace(/^(?:[^.[\]]+\.)+/, '');
  const file = (found['where'] ?? '').replace(/^.*, /, '');
  return { name, file, line: Number(found['line']), column: Number(found['column']) };
}

export interface OracleCall {
  readonly size: number;
  /** Frames of Node.js itself left out, leaf first. */
  readonly frames: readonly SeenFrame[];
}

/** In the order of the calls. */
export function readOracle(path: string): OracleCall[] {
  const entries = readFileSync(path, 'utf8').split(/^@/m).slice(1);
  return entries.map((entry) => {
    const [size, , ...lines] = entry.split('\n');
    return { size: Number(size), frames: lines.flatMap((line) => parseFrame(line) ?? []) };
  });
}

/** The addon asks about the first calls of mallocAndFree and about a part of the later ones. `call` counts from 1. */
export function isAsked(call: number): boolean {
  return call <= 100 || call % 97 === 0;
}
