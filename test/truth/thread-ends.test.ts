// SPDX-License-Identifier: MIT
// Threads end in the log when they do, however: by return, by pthread_exit, or with the process right behind them.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Consumer } from '../../ts/decode/consumer.js';
import { folderOf } from '../support/folder.js';
import { compile } from '../support/native.js';
import { readRecording, record } from '../support/recording.js';

/** Each way has a size of its own, allocated before the end and, by a destructor, after it. */
const WAYS = { return: 10_007, pthread_exit: 20_011, cancel: 30_011 };

const PROGRAM = `
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static pthread_key_t key;
static pthread_barrier_t begun;
static char* volatile kept[9];
static int count = 0;
static void Keep(size_t size) { kept[__atomic_fetch_add(&count, 1, __ATOMIC_RELAXED)] = static_cast<char*>(malloc(size)); }

static void Destroy(void* size) {
  usleep(30000);
  Keep(reinterpret_cast<size_t>(size) + 1);
}
static void Leave(size_t size) {
  if (size == ${WAYS.pthread_exit}) pthread_exit(nullptr);
  while (size == ${WAYS.cancel}) usleep(1000);
}
static void* Run(void* size) {
  pthread_setspecific(key, size);
  Keep(reinterpret_cast<size_t>(size));
  pthread_barrier_wait(&begun);
  Leave(reinterpret_cast<size_t>(size));
  return nullptr;
}

int main() {
  const size_t sizes[] = {${Object.values(WAYS).join(', ')}};
  pthread_t threads[3];
  pthread_key_create(&key, Destroy);
  pthread_barrier_init(&begun, nullptr, 4);
  for (int i = 0; i < 3; i++) pthread_create(&threads[i], nullptr, Run, reinterpret_cast<void*>(sizes[i]));
  pthread_barrier_wait(&begun);
  pthread_cancel(threads[2]);
  for (int i = 0; i < 3; i++) pthread_join(threads[i], nullptr);
  _exit(0);
}`;

/** When each thread allocated each size. */
class Watcher implements Consumer {
  readonly times = new Map<number, { thread: number; timeNs: number }>();
  #timeNs = 0;
  onTime(timeNs: number): void {
    this.#timeNs = timeNs;
  }
  onAlloc(_stack: number, size: number, _allocator: number, thread: number): void {
    this.times.set(size, { thread, timeNs: this.#timeNs });
  }
}

test.each(['', '1'])('threads end, MEMTAPE_NATIVE=%j', async (native) => {
  const folder = folderOf({ 'ends.cc': PROGRAM });
  const program = compile(join(folder, 'ends.cc'), join(folder, 'ends'), '-pthread');
  const recorded = record(program, [], { folder, settings: { MEMTAPE_NATIVE: native } });
  expect(recorded).toMatchObject({ status: 0, stderr: '' });
  const watcher = new Watcher();
  const sizes = Object.values(WAYS);
  const recording = await readRecording(recorded.capture, sizes, [watcher]);
  for (const [way, size] of Object.entries(WAYS)) {
    const begun = watcher.times.get(size);
    const destroyed = watcher.times.get(size + 1);
    expect(destroyed?.thread, way).toBe(begun?.thread);
    const end = recording.end.tables.threads.get(begun?.thread ?? 0)?.endNs ?? 0;
    expect(end, way).toBeGreaterThanOrEqual(begun?.timeNs ?? Number.NaN);
    // Nobody tells of a cancelled thread but the kernel, when all is over.
    if (way === 'cancel') expect(end).toBeGreaterThanOrEqual(destroyed?.timeNs ?? Number.NaN);
    else expect(end, way).toBeLessThan(destroyed?.timeNs ?? Number.NaN);
    // memtape's own function, which starts the program's, is in no stack.
    for (const stack of recording.stacksOfSize(size).keys()) {
      const files = recording.frames(stack).map(({ file }) => file);
      expect(
        files.filter((file) => file.includes('libmemtape')),
        way,
      ).toEqual([]);
    }
  }
  const main = recording.end.tables.threads.get(1);
  expect(main).toMatchObject({ kind: 'main', endNs: null });
});
