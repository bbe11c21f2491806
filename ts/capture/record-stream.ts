// SPDX-License-Identifier: MIT
// Turns a reader that pushes into an iterator that is pulled: reading waits while a batch is looked at.

import type { CaptureSource } from '../decode/byte-source.js';
import { readCapture } from '../decode/read-capture.js';
import { BatchCollector } from './batch-collector.js';
import type { RecordBatch } from './record-batch.js';

/** Makes the reader give up when its iterator was left early. */
class Left extends Error {}

interface Signal {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (reason: Error) => void;
}

function signal(): Signal {
  let resolve = (): void => {};
  let reject = (_reason: Error): void => {};
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

export async function* recordBatches(
  source: CaptureSource,
): AsyncGenerator<RecordBatch, void, undefined> {
  const batches: RecordBatch[] = [];
  const collector = new BatchCollector((batch) => batches.push(batch));
  let full = signal();
  let wanted = signal();
  const pause = (): Promise<void> => {
    collector.flush();
    if (batches.length === 0) return Promise.resolve();
    full.resolve();
    return wanted.promise;
  };
  let reading = true;
  const read = readCapture(source, collector, { keepAddresses: true, pause }).finally(() => {
    reading = false;
    full.resolve();
  });
  // Awaited below; until then a failure must not count as unhandled.
  read.catch(() => {});
  try {
    while (reading) {
      await full.promise;
      full = signal();
      yield* batches.splice(0);
      const resumed = wanted;
      wanted = signal();
      resumed.resolve();
    }
    await read;
    collector.flush();
    yield* batches.splice(0);
  } finally {
    wanted.reject(new Left());
    wanted.promise.catch(() => {});
    await read.catch(() => {});
  }
}
