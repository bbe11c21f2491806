// SPDX-License-Identifier: MIT
// A cache of the last 600 answers: it grows until it is full, then forgets one for each that it takes.
const MOST = 600;
const cache = new Map();

function remember(id) {
  if (cache.size === MOST) cache.delete(cache.keys().next().value);
  cache.set(id, Buffer.alloc(20_003));
}

const ROUNDS = 200;
let round = 0;
const timer = setInterval(() => {
  for (let i = 0; i < 10; i++) remember(`${round} ${i}`);
  if (++round % 8 === 0) globalThis.gc();
  if (round === ROUNDS) clearInterval(timer);
}, 5);
