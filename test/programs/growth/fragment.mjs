// SPDX-License-Identifier: MIT
// Bursts of blocks of which one in twenty stays. What is freed between them is too small for the next burst's blocks.
const kept = [];

function burst(blocks, size) {
  for (let i = 0; i < blocks; i++) {
    // Pages that nobody writes to would never become resident.
    const block = new Uint8Array(size).fill(1);
    if (i % 20 === 0) kept.push(block);
  }
}

const TICKS = 120;
let tick = 0;
const timer = setInterval(() => {
  if (tick === 55) burst(30_000, 2_000);
  if (tick === 75) burst(1_500, 42_000);
  if (tick % 3 === 0) globalThis.gc();
  if (++tick === TICKS) clearInterval(timer);
}, 10);
