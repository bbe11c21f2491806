// SPDX-License-Identifier: MIT
// Three workers count primes in sieves of different sizes. Each thread has its own V8 heap and its own lines in the
// recording, and their sieves lie beside each other at the peak.
//
//   memtape run examples/workers.mjs
//   memtape flamegraph memtape-workers.*.bin
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

function sieve(limit) {
  const composite = new Uint8Array(limit + 1);
  for (let i = 2; i * i <= limit; i++) {
    if (composite[i]) continue;
    for (let j = i * i; j <= limit; j += i) composite[j] = 1;
  }
  return composite;
}

function countPrimes(limit) {
  const composite = sieve(limit);
  let count = 0;
  for (let i = 2; i <= limit; i++) if (!composite[i]) count++;
  return count;
}

function startWorker(limit) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), {
      workerData: limit,
      name: `sieve-${limit}`,
    });
    worker.once('message', (count) => resolve({ limit, count }));
    worker.once('error', reject);
  });
}

if (isMainThread) {
  const results = await Promise.all([2_000_000, 10_000_000, 30_000_000].map(startWorker));
  for (const { limit, count } of results) console.log(`${count} primes up to ${limit}`);
} else {
  parentPort?.postMessage(countPrimes(workerData));
}
