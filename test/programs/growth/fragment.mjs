// SPDX-License-Identifier: MIT
// Bursts of blocks of which one in twenty stays. What is freed between them is too small for the next burst's blocks.
import { collector, pace } from './pace.mjs';

const kept = [];

function burst(blocks, size) {
  for (let i = 0; i < blocks; i++) {
    // Pages that nobody writes to would never become resident.
    const block = new Uint8Array(size).fill(1);
    if (i % 20 === 0) kept.push(block);
  }
}

const BURSTS = [
  { at: 800, blocks: 30_000, size: 2_000 },
  { at: 1000, blocks: 1_500, size: 42_000 },
];
const LEAST_MS = 1400;
const LEAST_COLLECTIONS = 25;
const collections = collector(30);
pace((ms) => {
  const [next] = BURSTS;
  if (next !== undefined && ms >= next.at) {
    burst(next.blocks, next.size);
    BURSTS.shift();
  }
  return collections(ms) < LEAST_COLLECTIONS || ms < LEAST_MS;
});
