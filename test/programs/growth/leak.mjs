// SPDX-License-Identifier: MIT
// A Map that nothing is ever taken out of, and garbage beside it.
const sessions = new Map();

function remember(id) {
  sessions.set(id, Buffer.alloc(20_003));
}

function serve() {
  for (let i = 0; i < 40; i++) Buffer.alloc(30_007);
}

const ROUNDS = 200;
let round = 0;
const timer = setInterval(() => {
  for (let i = 0; i < 10; i++) remember(`${round} ${i}`);
  serve();
  if (++round % 8 === 0) globalThis.gc();
  if (round === ROUNDS) clearInterval(timer);
}, 5);
