// SPDX-License-Identifier: MIT
// A small server side that forgets nothing: every request leaves a listener behind, and with it the request's body.
//
//   memtape run examples/forgotten-listeners.mjs
//   memtape flamegraph memtape-forgotten-listeners.*.bin
//
// V8's heap stays small, because a Buffer's bytes lie outside of it. The flame graph shows who holds them:
// readBody, called by handleRequest, with hundreds of megabytes.
import { EventEmitter } from 'node:events';

const shutdown = new EventEmitter();
shutdown.setMaxListeners(0); // the warning said so, and was silenced

function readBody(size) {
  return Buffer.alloc(size, 'x');
}

function parse(body) {
  return { kind: body.toString('latin1', 0, 4), bytes: body.length };
}

function handleRequest(number) {
  const body = readBody(64 * 1024 + (number % 100));
  const request = parse(body);
  // The closure needs the number only, yet it keeps everything that its neighbours in this scope use: the body too.
  shutdown.once('now', () => console.log(`request ${number} was cut off`));
  return () => request.bytes + body.length;
}

let total = 0;
for (let number = 0; number < 4000; number++) {
  total += handleRequest(number)();
  if (number % 500 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
}

const megabytes = (bytes) => `${Math.round(bytes / 1e6)} MB`;
const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
console.log(`handled ${total} bytes in 4000 requests`);
console.log(
  `resident ${megabytes(rss)}, JS heap ${megabytes(heapUsed)}, buffers ${megabytes(arrayBuffers)}`,
);
