// SPDX-License-Identifier: MIT
// 400,000 buffers, each from 20 frames deep: buffers.cjs [COUNT]
'use strict';

const count = Number(process.argv[2] ?? 400_000);

// The depth changes at every 16th call, so that not all stacks are the same one.
function descend(depth, size) {
  return depth === 0 ? Buffer.alloc(size) : descend(depth - 1, size);
}

const kept = new Array(64);
const start = process.hrtime.bigint();
for (let i = 0; i < count; i++) kept[i % 64] = descend(i % 16 === 0 ? 19 : 20, 5000 + (i % 1000));
const elapsed = process.hrtime.bigint() - start;
console.log(`inner ${Number(elapsed) / 1e6} ms, ${kept.length} kept`);
