// SPDX-License-Identifier: MIT
import { describe, expect, test } from 'vitest';
import type { ThreadInfo } from '../../ts/format/records.js';
import { NamedStacks } from '../../ts/model/named-stacks.js';
import { sumByThread } from '../../ts/report/thread-sums.js';
import { workerOf } from '../../ts/report/thread-text.js';
import { CaptureBuilder } from '../model/capture-builder.js';

const info = (thread: number, kind: ThreadInfo['kind'], name = '', workerId = 0): ThreadInfo => ({
  ...{ thread, kind, name, workerId },
  ...{ osTid: thread, startNs: 0, endNs: null },
});

describe('workerOf', () => {
  test('id, name and file', () => {
    const named = workerOf(info(5, 'worker', 'a: b: resize.js', 3));
    expect(named).toEqual({ id: 3, name: 'a: b', file: 'resize.js' });
    const plain = workerOf(info(5, 'worker', 'resize.js', 3));
    expect(plain).toEqual({ id: 3, name: '', file: 'resize.js' });
  });

  test('nothing of other threads, and of workers whose id is not known', () => {
    expect(workerOf(info(5, 'worker', 'node'))).toBeNull();
    expect(workerOf(info(5, 'libuv_pool', 'libuv-worker'))).toBeNull();
    expect(workerOf(undefined)).toBeNull();
  });
});

test('sums by thread, the largest first, with workers and roles', () => {
  const capture = new CaptureBuilder();
  const platform = capture.label('(V8 platform)');
  const own = (name: string) => capture.native('/bin/node', name.length, name);
  const line = capture.stack([capture.js('main', '/a.js', 1)]);
  const zone = capture.stack([own('v8::internal::AllocAtLeastWithRetry(unsigned long)'), platform]);
  const page = capture.stack([own('v8::base::OS::Allocate(void*)'), platform]);
  const rows = [
    [line, 1, 100, 2],
    [zone, 4, 50, 1],
    [zone, 4, 20, 1],
    [page, 4, 7, 1],
    [line, 2, 300, 3],
    [page, 0, 5, 1],
  ] as const;
  const profile = {
    kind: 'peak' as const,
    rows: {
      size: rows.length,
      stack: Uint32Array.from(rows, ([stack]) => stack),
      thread: Uint32Array.from(rows, ([, thread]) => thread),
      allocator: new Uint8Array(rows.length),
      bytes: Float64Array.from(rows, ([, , bytes]) => bytes),
      count: Float64Array.from(rows, ([, , , count]) => count),
    },
    totalBytes: 482,
    totalCount: 9,
  };
  const threads = new Map([
    [1, info(1, 'main')],
    [2, info(2, 'worker', 'resize: w.js', 7)],
    [4, info(4, 'v8_platform', 'V8Worker')],
  ]);
  const worker = { id: 7, name: 'resize', file: 'w.js' };
  const roles = { 'V8 compiler': 70 };
  expect(sumByThread(profile, new NamedStacks(capture.tables), threads)).toEqual([
    { thread: 'worker 7 (resize: w.js)', num_allocations: 3, total_bytes: 300, worker },
    { thread: 'main', num_allocations: 2, total_bytes: 100 },
    { thread: 'V8 platform 4 (V8Worker)', num_allocations: 3, total_bytes: 77, roles },
    { thread: 'mappings', num_allocations: 1, total_bytes: 5 },
  ]);
});
