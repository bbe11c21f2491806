// SPDX-License-Identifier: MIT
// A little of everything that allocates: JSON, crypto, zlib, buffers, regular expressions, timers,
// promises, the thread pool and a worker.
'use strict';
const crypto = require('node:crypto');
const zlib = require('node:zlib');
const fs = require('node:fs');
const { Worker, isMainThread, parentPort } = require('node:worker_threads');

function json(rounds) {
  const value = Array.from({ length: 300 }, (_, i) => ({
    id: i,
    name: `n${i}`,
    tags: ['a', 'b', i],
  }));
  let total = 0;
  for (let i = 0; i < rounds; i++) total += JSON.parse(JSON.stringify(value)).length;
  return total;
}

function hashes(rounds) {
  let last = '';
  for (let i = 0; i < rounds; i++) {
    last = crypto.createHash('sha256').update(`${last}${i}`).digest('hex');
    crypto.createHmac('sha1', 'key').update(last).digest();
  }
  const cipher = crypto.createCipheriv('aes-256-cbc', Buffer.alloc(32), Buffer.alloc(16));
  cipher.update('x'.repeat(5000));
  cipher.final();
  return last;
}

function buffers(depth) {
  if (depth > 0) return buffers(depth - 1) + 1;
  const all = [];
  for (let i = 0; i < 500; i++) all.push(Buffer.alloc(9000 + i));
  return all.length;
}

const callbacks = () =>
  [3, 1, 2]
    .sort((a, b) => {
      Buffer.alloc(10000);
      return a - b;
    })
    .map((x) => 'abc'.replace(/b/g, () => `${Buffer.alloc(9000).length + x}`));

async function pool() {
  const derive = (i) =>
    new Promise((resolve, reject) => {
      crypto.pbkdf2('p', `s${i}`, 100, 32, 'sha512', (e, k) => (e ? reject(e) : resolve(k)));
    });
  await Promise.all([...Array(30).keys()].map(derive));
  await new Promise((resolve) => {
    zlib.gzip('text'.repeat(20000), resolve);
  });
  for (let i = 0; i < 20; i++) await fs.promises.readFile(__filename);
  crypto.generateKeyPairSync('rsa', { modulusLength: 1024 });
}

async function main() {
  for (let i = 0; i < 5; i++) {
    json(15);
    hashes(1500);
    for (const depth of [0, 5, 30]) buffers(depth);
    callbacks();
    zlib.gunzipSync(zlib.gzipSync('x'.repeat(50000)));
    await new Promise((resolve) => {
      setTimeout(resolve, 1);
    });
    await pool();
  }
  new Function('a', 'return a + 1')(1);
  const add = new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0));
  new WebAssembly.Instance(add);
}

if (isMainThread) {
  const worker = new Worker(__filename);
  Promise.all([
    main(),
    new Promise((resolve) => {
      worker.on('message', resolve);
    }),
  ]).then(() => {
    console.log('done');
  });
} else {
  main().then(() => parentPort.postMessage('done'));
}
