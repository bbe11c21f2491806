// SPDX-License-Identifier: MIT
// What reports call a thread.

import type { ThreadInfo } from '../format/records.js';

/** A thread as reports know it: in several processes there may be several with the same number and name. */
export interface ReportThread extends ThreadInfo {
  /** Of several processes, the one that it is of. */
  readonly process?: ProcessName;
}

/** By the number that rows have. */
export type Threads = ReadonlyMap<number, ReportThread>;

export interface ProcessName {
  /** `node worker.js (pid 4242)` */
  readonly name: string;
  /** `4242`, enough to tell it from the others. */
  readonly tag: string;
}

const KIND_TEXT: Record<ThreadInfo['kind'], string> = {
  unknown: 'thread',
  main: 'main',
  worker: 'worker',
  libuv_pool: 'libuv pool',
  v8_platform: 'V8 platform',
  native: 'native',
};

/** Mappings belong to no thread: pages outlive the one that asked for them. */
const NO_THREAD = 'mappings';

/**
 * `main`, `worker 2 (resize: resize.js)`, `libuv pool 5`; unique: workers go by their own ids, all others by the thread's. Of several
 * processes `main of 4242`.
 */
export function threadText(thread: number, info: ReportThread | undefined): string {
  if (info?.process === undefined) return ownText(thread, info);
  const isMappings = info.thread === 0;
  return `${ownText(info.thread, isMappings ? undefined : info)} of ${info.process.tag}`;
}

/** What a worker is to the program that made it. */
export interface WorkerName {
  /** `worker.threadId` */
  readonly id: number;
  /** The `name` that it was given; empty without one. */
  readonly name: string;
  /** Of its script, without folders; `[worker eval]` of one that was given as text. */
  readonly file: string;
}

/** Captures say `name: file` or `file` of a worker (ts/native/preload.cts). Of those that a Tracker found running nothing is known. */
export function workerOf(info: ThreadInfo | undefined): WorkerName | null {
  if (info?.kind !== 'worker' || info.workerId === 0) return null;
  const { workerId: id, name: text } = info;
  const end = text.lastIndexOf(': ');
  return end < 0
    ? { id, name: '', file: text }
    : { id, name: text.slice(0, end), file: text.slice(end + 2) };
}

function ownText(thread: number, info: ThreadInfo | undefined): string {
  if (thread === 0 && info === undefined) return NO_THREAD;
  if (info === undefined) return `thread ${thread}`;
  if (info.kind === 'main') return KIND_TEXT.main;
  const name = info.name === '' ? '' : ` (${info.name})`;
  const number = info.kind === 'worker' && info.workerId > 0 ? info.workerId : thread;
  return `${KIND_TEXT[info.kind]} ${number}${name}`;
}
