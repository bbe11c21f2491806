// SPDX-License-Identifier: MIT
// Compresses messages, and abandons each fourth stream without closing it: its zlib state, a quarter of a megabyte of
// native memory, stays.
//
//   memtape run examples/open-streams.mjs
//   memtape flamegraph memtape-open-streams.*.bin
//
// Neither a heap snapshot nor process.memoryUsage() tells whose that memory is. The recording does: AllocForZlib, on
// the pool threads that compress, and for each stream the output buffer that openStream's createGzip made.
import { createGzip } from 'node:zlib';

const abandoned = [];

function openStream() {
  return createGzip({ level: 6 });
}

function compress(message) {
  return new Promise((resolve, reject) => {
    const stream = openStream();
    const chunks = [];
    stream.on('data', (chunk) => chunks.push(chunk));
    stream.on('error', reject);
    stream.on('end', () => resolve(Buffer.concat(chunks)));
    stream.end(message);
  });
}

// A client that goes away: its stream was written to, and nobody ends it.
function compressUntilGone(message) {
  const stream = openStream();
  stream.write(message);
  abandoned.push(stream);
}

let bytes = 0;
for (let i = 0; i < 800; i++) {
  const message = `message ${i} `.repeat(50);
  if (i % 4 === 0) compressUntilGone(message);
  else bytes += (await compress(message)).length;
}

const megabytes = (count) => `${Math.round(count / 1e6)} MB`;
const { rss, heapUsed, external } = process.memoryUsage();
console.log(`compressed to ${bytes} bytes, ${abandoned.length} streams abandoned`);
console.log(
  `resident ${megabytes(rss)}, JS heap ${megabytes(heapUsed)}, external ${megabytes(external)}`,
);
process.exit(0);
