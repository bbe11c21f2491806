// SPDX-License-Identifier: MIT
// Records a program that calls addon.probe, and compares the JavaScript frames of its stacks with Error.stack.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CaptureEnd, readCapture } from '../../../ts/decode/read-capture.js';
import type { Tables } from '../../../ts/decode/tables.js';
import { frameNames } from '../../../ts/model/frame-names.js';
import { programs } from '../../support/programs.js';
import { record } from '../../support/recording.js';

export interface Compared {
  /** Calls that V8 was asked about. */
  readonly samples: number;
  readonly equal: number;
  /** The same as far as a stack may have frames. */
  readonly cut: number;
  readonly frames: number;
  readonly stacks: number;
  /** How often each tier was compared. */
  readonly kinds: Readonly<Record<string, number>>;
  readonly misses: readonly string[];
}

export interface Compare {
  readonly node: string;
  /** For node, flags first. */
  readonly args: readonly string[];
  readonly folder: string;
  readonly native: boolean;
  /** V8 is asked about one call of so many. */
  readonly every: number;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

export const askPath = fileURLToPath(new URL('ask.cjs', import.meta.url));

type Place = readonly [name: string, file: string, line: number, column: number];

const ASKED = 2 ** 30;
/** What a stack may have. */
const MAX_FRAMES = 1024;

/** Leaf first, by the size that the call allocated. */
function readAnswers(path: string): Map<number, Place[]> {
  const answers = new Map<number, Place[]>();
  for (const entry of readFileSync(path, 'utf8').split(/^@/m).slice(1)) {
    const end = entry.indexOf('\n');
    answers.set(Number(entry.slice(0, end)), JSON.parse(entry.slice(end + 1)) as Place[]);
  }
  return answers;
}

const NATIVE_KINDS: ReadonlySet<string> = new Set(['native', 'builtin', 'label']);

/** Below it are the frames of the thread that started this one. */
const STARTED = '(thread started here)';

/** Of the thread itself. */
function recordedPlaces(tables: Tables, stack: number, kinds: Record<string, number>): Place[] {
  const places: Place[] = [];
  for (const id of tables.stackFrames(stack)) {
    const frame = tables.frame(id);
    const kind = frame?.kind ?? 'unknown';
    if (frame?.kind === 'label' && frame.label === STARTED) break;
    if (NATIVE_KINDS.has(kind)) continue;
    kinds[kind] = (kinds[kind] ?? 0) + 1;
    for (const { name, file, line, column } of frameNames(tables, id).reverse()) {
      places.push([name, file, line, column]);
    }
  }
  return places;
}

const filePath = (file: string): string =>
  file.startsWith('file://') ? fileURLToPath(file) : file;

/** V8 calls the code of an eval so, in Error.stack alone. */
const functionName = (name: string): string =>
  name.replace(/^(?:\(anonymous\)|eval)$/, '').replace(/^[gs]et /, '');

/**
 * Names that function objects have and their code has not: initializers of classes, methods named by symbols, and what Node.js
 * renames in hideStackFrames.
 */
const NAMED_LATE = /^(?:<\w+_initializer>|\[.*\]|validateHeader\w+)$/;

function samePlace(a: Place, b: Place | undefined): boolean {
  if (!b) return false;
  return (
    (functionName(a[0]) === functionName(b[0]) || NAMED_LATE.test(b[0])) &&
    filePath(a[1]) === filePath(b[1]) &&
    a[2] === b[2] &&
    a[3] === b[3]
  );
}

const placeText = (place: Place | undefined): string =>
  place ? `${place[0]} (${place[1]}:${place[2]}:${place[3]})` : 'nothing';

function difference(seen: readonly Place[], wanted: readonly Place[]): number {
  const length = Math.max(seen.length, wanted.length);
  for (let i = 0; i < length; i++) {
    const place = seen[i];
    if (!place || !samePlace(place, wanted[i])) return i;
  }
  return -1;
}

interface Seen {
  readonly end: CaptureEnd;
  /** The stacks that allocated it, by size. */
  readonly stacks: ReadonlyMap<number, readonly number[]>;
}

async function readStacks(capture: string): Promise<Seen> {
  const stacks = new Map<number, number[]>();
  const end = await readCapture(capture, {
    onAlloc(stack, size) {
      if (size < ASKED) return;
      const known = stacks.get(size);
      if (known) known.push(stack);
      else stacks.set(size, [stack]);
    },
  });
  return { end, stacks };
}

export async function compareWithV8(options: Compare): Promise<Compared> {
  const { node, args, folder, native, every, cwd } = options;
  const oracle = join(folder, 'oracle');
  rmSync(oracle, { force: true });
  const env = {
    ...options.env,
    TRUTH_ADDON: programs.addon,
    TRUTH_ASK: askPath,
    TRUTH_ORACLE: oracle,
    TRUTH_EVERY: String(every),
  };
  const settings = { MEMTAPE_NATIVE: native ? '1' : '0' };
  const recorded = record(node, args, { folder, env, settings, ...(cwd !== undefined && { cwd }) });
  if (recorded.status !== 0) {
    throw new Error(`${args.join(' ')}: ${recorded.status} ${recorded.signal} ${recorded.stderr}`);
  }
  const seen = await readStacks(recorded.capture);
  return compareAll(readAnswers(oracle), seen);
}

function compareAll(answers: ReadonlyMap<number, readonly Place[]>, { end, stacks }: Seen) {
  const { tables } = end;
  const kinds: Record<string, number> = {};
  const misses: string[] = [];
  const distinct = new Set<number>();
  let [equal, cut, frames] = [0, 0, 0];
  for (const [size, wanted] of answers) {
    const of = stacks.get(size) ?? [];
    const stack = of[0] ?? 0;
    if (of.length !== 1) {
      misses.push(`call ${size - ASKED}: recorded ${of.length} times`);
      continue;
    }
    distinct.add(stack);
    const places = recordedPlaces(tables, stack, kinds);
    frames += places.length;
    const at = difference(places, wanted);
    if (at < 0) equal++;
    else if (at === places.length && tables.stackFrames(stack).length >= MAX_FRAMES) cut++;
    else {
      const text = `${placeText(places[at])}, not ${placeText(wanted[at])}`;
      misses.push(
        `call ${size - ASKED}, flags ${tables.stackFlags.get(stack)}, frame ${at} of ${places.length} and ${wanted.length}: ${text}`,
      );
    }
  }
  return { samples: answers.size, equal, cut, frames, stacks: distinct.size, kinds, misses };
}
