// SPDX-License-Identifier: MIT
// Memory by the thread that asked for it.

import type { Profile } from '../model/profile.js';
import type { V8Role } from '../model/v8-roles.js';
import { type Threads, threadText, type WorkerName, workerOf } from './thread-text.js';

export interface ThreadSum {
  /** What reports call it; `mappings` are pages, which belong to no thread. */
  readonly thread: string;
  readonly num_allocations: number;
  readonly total_bytes: number;
  /** Of a worker: its `threadId`, and the name and the script that it was made with. */
  readonly worker?: WorkerName;
  /** Of V8's own threads: bytes by what they were for, as far as their stacks tell. */
  readonly roles?: Readonly<Partial<Record<V8Role, number>>>;
}

interface Sum {
  count: number;
  bytes: number;
  readonly roles: Map<V8Role, number>;
}

/** The largest first. */
export function sumByThread(
  { rows }: Profile,
  stacks: { v8Role(stack: number): V8Role | null },
  threads: Threads,
): ThreadSum[] {
  const sums = new Map<number, Sum>();
  for (let row = 0; row < rows.size; row++) {
    const thread = rows.thread[row] as number;
    const bytes = rows.bytes[row] as number;
    const sum = sums.get(thread) ?? { count: 0, bytes: 0, roles: new Map<V8Role, number>() };
    sums.set(thread, sum);
    sum.count += rows.count[row] as number;
    sum.bytes += bytes;
    if (threads.get(thread)?.kind !== 'v8_platform') continue;
    const role = stacks.v8Role(rows.stack[row] as number);
    if (role !== null) sum.roles.set(role, (sum.roles.get(role) ?? 0) + bytes);
  }
  const largest = [...sums].sort(([a, x], [b, y]) => y.bytes - x.bytes || a - b);
  return largest.map(([thread, { count, bytes, roles }]) => {
    const info = threads.get(thread);
    const worker = workerOf(info);
    return {
      thread: threadText(thread, info),
      num_allocations: count,
      total_bytes: bytes,
      ...(worker !== null && { worker }),
      ...(roles.size > 0 && { roles: Object.fromEntries(roles) }),
    };
  });
}
