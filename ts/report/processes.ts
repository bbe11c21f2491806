// SPDX-License-Identifier: MIT
// The captures that one report is about: of one process, or of several, whose stacks and threads are then numbered together.

import type { CaptureEnd } from '../decode/read-capture.js';
import type { ThreadInfo } from '../format/records.js';
import type { Frame } from '../model/frame.js';
import { NamedStacks } from '../model/named-stacks.js';
import type { Profile, ProfileRows } from '../model/profile.js';
import { linesOf } from '../resolve/embedded-lines.js';
import { endedAtMs } from '../resolve/resolution.js';
import type { SourceLinesOptions } from '../resolve/source-lines.js';
import { type SourceLine, sourceText } from '../resolve/source-text.js';
import { commandText } from './command-text.js';
import type { ProcessName, ReportThread, Threads } from './thread-text.js';

/** A capture that was read. */
export interface ReadProcess {
  readonly end: CaptureEnd;
  readonly stacks: NamedStacks;
}

/** Numbers for the threads of a process: more than there can be. */
const THREADS_EACH = 1 << 20;

/** The first that began first: it started the others. */
export function inOrder<Read extends { readonly end: CaptureEnd }>(read: readonly Read[]): Read[] {
  const start = ({ end }: Read) => end.header.startUnixNs;
  return [...read].sort((a, b) => (start(a) < start(b) ? -1 : start(a) > start(b) ? 1 : 0));
}

/** For a report's data; nothing where there is one process. */
export function processNames(names: readonly ProcessName[] = []): { processes?: string[] } {
  return names.length === 0 ? {} : { processes: names.map(({ name }) => name) };
}

export class Processes {
  /** Empty where there is one only, which needs no name. */
  readonly names: readonly ProcessName[];
  /** Grows with the threads that profiles name. */
  readonly threads: Threads;
  /** As they were given. */
  readonly ends: readonly CaptureEnd[];
  readonly #threads = new Map<number, ReportThread>();
  readonly #firstStack: number[] = [];
  readonly #read: readonly ReadProcess[];
  #stacks: NamedStacks | null = null;

  /** @param read at least one; see `inOrder` */
  constructor(read: readonly ReadProcess[]) {
    const [first, ...others] = read;
    if (first === undefined) throw new RangeError('a report needs a capture');
    this.#read = read;
    this.ends = read.map(({ end }) => end);
    this.names = others.length === 0 ? [] : namesOf(this.ends);
    this.threads = others.length === 0 ? first.end.tables.threads : this.#threads;
    let stacks = 0;
    for (const { tables } of this.ends) {
      this.#firstStack.push(stacks);
      stacks += tables.stackCount;
    }
  }

  /** Names are looked up when this is asked for. */
  get stacks(): NamedStacks {
    this.#stacks ??= this.#namedStacks();
    return this.#stacks;
  }

  /** All rows, with the numbers that stacks and threads have here; totals add up. */
  profile(profiles: readonly Profile[]): Profile {
    const [first] = profiles;
    if (first === undefined) throw new RangeError('a report needs a profile');
    if (this.names.length === 0) return first;
    const sum = (value: (profile: Profile) => number) =>
      profiles.reduce((total, profile) => total + value(profile), 0);
    const columns = joined(profiles.map(({ rows }) => rows));
    let at = 0;
    for (const [process, { rows }] of profiles.entries()) {
      for (const end = at + rows.size; at < end; at++) {
        columns.stack[at] = (columns.stack[at] as number) + (this.#firstStack[process] as number);
        columns.thread[at] = this.#thread(process, columns.thread[at] as number);
      }
    }
    return {
      kind: first.kind,
      rows: columns,
      totalBytes: sum(({ totalBytes }) => totalBytes),
      totalCount: sum(({ totalCount }) => totalCount),
    };
  }

  /** How much later than the first each process began. */
  get offsetsNs(): number[] {
    const starts = this.ends.map(({ header }) => header.startUnixNs);
    const first = starts.reduce((least, start) => (start < least ? start : least));
    return starts.map((start) => Number(start - first));
  }

  /** For each frame its line, from the first capture that has it. */
  sourceLines(
    frames: readonly Frame[],
    options: Pick<SourceLinesOptions, 'confidential'>,
  ): (string | undefined)[] {
    const lines: (string | undefined)[] = new Array(frames.length).fill(undefined);
    for (const end of this.ends) {
      const found = linesOf(end, frames, { ...options, endedAtMs: endedAtMs(end) });
      for (const [i, line] of found.entries()) lines[i] ??= line;
    }
    return lines;
  }

  /** What is known of a file, from the first capture that knows it. */
  sourceText(file: string): readonly SourceLine[] | null {
    for (const end of this.ends) {
      const lines = sourceText(end, file);
      if (lines !== null) return lines;
    }
    return null;
  }

  #namedStacks(): NamedStacks {
    const each = this.#read.map(({ stacks }) => stacks);
    const [only] = each;
    if (each.length === 1 && only !== undefined) return only;
    return new NamedStacks(
      this.ends.map(({ tables: source }, i) => {
        const { name } = this.names[i] as ProcessName;
        return { name, source, stackCount: source.stackCount };
      }),
    );
  }

  /** Its number here. */
  #thread(process: number, thread: number): number {
    const number = process * THREADS_EACH + thread;
    if (!this.#threads.has(number)) {
      const info = this.ends[process]?.tables.threads.get(thread) ?? unknownThread(thread);
      this.#threads.set(number, { ...info, process: this.names[process] as ProcessName });
    }
    return number;
  }
}

const unknownThread = (thread: number): ThreadInfo => ({
  thread,
  kind: 'unknown',
  name: '',
  osTid: 0,
  workerId: 0,
  startNs: 0,
  endNs: null,
});

function namesOf(ends: readonly CaptureEnd[]): ProcessName[] {
  const seen = new Map<number, number>();
  return ends.map(({ header, metadata }) => {
    const pid = metadata.pid ?? header.pid;
    const before = seen.get(pid) ?? 0;
    seen.set(pid, before + 1);
    // A process that became another program has a capture of each.
    const tag = before === 0 ? `${pid}` : `${pid}, program ${before + 1}`;
    return { name: `${commandText(metadata.command ?? [])} (pid ${tag})`.trimStart(), tag };
  });
}

function joined(all: readonly ProfileRows[]): ProfileRows {
  const size = all.reduce((sum, rows) => sum + rows.size, 0);
  const [stack, thread] = [new Uint32Array(size), new Uint32Array(size)];
  const allocator = new Uint8Array(size);
  const [bytes, count] = [new Float64Array(size), new Float64Array(size)];
  let at = 0;
  for (const rows of all) {
    stack.set(rows.stack.subarray(0, rows.size), at);
    thread.set(rows.thread.subarray(0, rows.size), at);
    allocator.set(rows.allocator.subarray(0, rows.size), at);
    bytes.set(rows.bytes.subarray(0, rows.size), at);
    count.set(rows.count.subarray(0, rows.size), at);
    at += rows.size;
  }
  return { size, stack, thread, allocator, bytes, count };
}
