// SPDX-License-Identifier: MIT
// Each call of addon.mallocAndFree that a program makes, with its whole JavaScript stack.
import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Consumer } from '../../ts/decode/consumer.js';
import { isNodeInternal } from '../../ts/model/frame.js';
import { programs } from '../support/programs.js';
import { readRecording, record } from '../support/recording.js';
import { fileName, type SeenFrame } from './expectations.js';
import { isAsked, type OracleCall, readOracle } from './oracle.js';

export interface Program {
  readonly name: string;
  /** Arguments for node, without its flags. */
  readonly args: readonly string[];
  /** The file whose lines have the sizes. */
  readonly source: string;
}

interface ChainFrame extends SeenFrame {
  readonly kind: string;
}

export interface Calls {
  /** In the order of the calls, as numbers of `stacks`. */
  readonly calls: readonly { readonly size: number; readonly stack: number }[];
  /** Frames of JavaScript and of V8's builtins for arrays, leaf first. */
  readonly stacks: ReadonlyMap<number, readonly ChainFrame[]>;
  readonly oracle: readonly OracleCall[];
  readonly stdout: string;
}

export function sizesOf(source: string): Set<number> {
  const lines = readFileSync(source, 'utf8').matchAll(/mallocAndFree\((?:\w+, )?(\d{6})\b/g);
  return new Set(Array.from(lines, ([, size]) => Number(size)));
}

class Sequence implements Consumer {
  readonly calls: { size: number; stack: number }[] = [];
  readonly #sizes: ReadonlySet<number>;
  constructor(sizes: ReadonlySet<number>) {
    this.#sizes = sizes;
  }
  onAlloc(stack: number, size: number): void {
    if (this.#sizes.has(size)) this.calls.push({ size, stack });
  }
}

/** Runs the program with the flags, records it and asks V8 about a part of its calls. */
export async function callsOf(
  program: Program,
  node: string,
  flags: readonly string[],
  home: string,
): Promise<Calls> {
  const folder = mkdtempSync(join(home, 'calls-'));
  const oracle = join(folder, 'oracle');
  const args = ['--stack-trace-limit=1000', ...flags, ...program.args];
  const env = { TRUTH_ADDON: programs.addon, TRUTH_ORACLE: oracle };
  const recorded = record(node, args, { folder, env });
  if (recorded.status !== 0) throw new Error(recorded.stderr);
  const sequence = new Sequence(sizesOf(program.source));
  const recording = await readRecording(recorded.capture, [], [sequence]);
  const stacks = new Map<number, readonly ChainFrame[]>();
  for (const { stack } of sequence.calls) {
    if (!stacks.has(stack)) stacks.set(stack, chainFrames(recording.frames(stack)));
  }
  const sizes = sizesOf(program.source);
  return {
    calls: sequence.calls,
    stacks,
    oracle: readOracle(oracle).filter(({ size }) => sizes.has(size)),
    stdout: recorded.stdout,
  };
}

// Of the builtins only those of arrays are inlined. Others come and go: Node.js 20 resumes a generator from optimized
// code without GeneratorPrototypeNext.
const isInChain = ({ kind, name, file }: ChainFrame): boolean =>
  kind === 'builtin' ? name.startsWith('Array') : kind === 'js' && !isNodeInternal(file);

function chainFrames(frames: readonly ChainFrame[]): ChainFrame[] {
  return frames
    .filter(isInChain)
    .map((frame) => ({ ...frame, name: frame.name.replace(/^(?:get|set) /, '') }));
}

function chainText(frames: readonly SeenFrame[]): string {
  return frames
    .map(({ name, file, line, column }) => `${name} ${fileName(file)}:${line}:${column}`)
    .join(' < ');
}

/** How often each size was allocated by each stack. */
export function attribution({ calls, stacks }: Calls): Map<string, number> {
  const texts = new Map(Array.from(stacks, ([stack, frames]) => [stack, chainText(frames)]));
  const counts = new Map<string, number>();
  for (const { size, stack } of calls) {
    const key = `${size} ${texts.get(stack)}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

// V8 makes names up for Error.stack where functions have none.
const sameFrame = (a: SeenFrame, b: SeenFrame): boolean =>
  a.line === b.line && a.column === b.column && fileName(a.file) === fileName(b.file);

/** What the recording says otherwise than Error.stack, of the calls that V8 was asked about. */
export function disagreements({ calls, stacks, oracle }: Calls): string[] {
  const asked = calls.filter((_, i) => isAsked(i + 1));
  const wrong = asked.flatMap(({ size, stack }, i) => {
    const seen = (stacks.get(stack) ?? []).filter(({ kind }) => kind === 'js');
    const wanted = oracle[i];
    const same =
      wanted?.size === size &&
      wanted.frames.length === seen.length &&
      wanted.frames.every((frame, at) => sameFrame(frame, seen[at] as SeenFrame));
    return same ? [] : [`${size}: ${chainText(seen)}, not ${chainText(wanted?.frames ?? [])}`];
  });
  return asked.length === oracle.length
    ? wrong
    : [`asked ${oracle.length} times, not ${asked.length}`, ...wrong];
}
