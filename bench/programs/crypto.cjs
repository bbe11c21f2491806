// SPDX-License-Identifier: MIT
// Hashes, MACs and ciphers, each an OpenSSL object with several blocks: crypto.cjs [COUNT]
'use strict';
const crypto = require('node:crypto');

const count = Number(process.argv[2] ?? 60_000);
const key = Buffer.alloc(32, 7);
const iv = Buffer.alloc(12, 9);
let check = 0;
const start = process.hrtime.bigint();
for (let i = 0; i < count; i++) {
  const text = `message number ${i}`;
  check += crypto.createHash('sha256').update(text).digest()[0];
  check += crypto.createHmac('sha256', key).update(text).digest()[0];
  if (i % 8 !== 0) continue;
  const cipher = crypto.createCipheriv('aes-256-gcm', key, iv);
  check += cipher.update(text, 'utf8').length + cipher.final().length;
}
const elapsed = process.hrtime.bigint() - start;
console.log(`inner ${Number(elapsed) / 1e6} ms, check ${check}`);
