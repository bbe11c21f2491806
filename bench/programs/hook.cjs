// SPDX-License-Identifier: MIT
// What a malloc and a free take 30 frames deep: hook.cjs ADDON. Optimized, baseline and interpreted functions take turns.
'use strict';

const { time } = require(process.argv[2]);

const DEPTH = 30;
const PAIRS = 19_200; // they fit into the ring: the hook is measured, not waiting for the drain thread
const ROUNDS = 100;
const WARM_UP = [20_000, 500, 0];

/** Calls the rest of the chain. Each has code of its own. */
const makeLink = (i) =>
  new Function(
    'links',
    'i',
    'pairs',
    `
  // ${i}
  return links[i](links, i + 1, pairs);`,
  );

Error.stackTraceLimit = 100;
const depthHere = () => new Error().stack.split('\n').length - 2;

// Below them is the one that calls the addon; above, the functions of Node.js that load this module: six or seven.
const links = Array.from({ length: DEPTH - 2 - depthHere() }, (_, i) => makeLink(i));
const nothing = [() => 0];
links.forEach((link, i) => {
  for (let n = WARM_UP[i % WARM_UP.length]; n > 0; n--) link(nothing, 0, n);
});
links.push((_links, _i, pairs) => time(pairs));

const depth = links[0]([...links.slice(0, -1), () => depthHere() + 1], 1, 0);
if (depth !== DEPTH) throw new Error(`${depth} frames, not ${DEPTH}`);

const pause = new Int32Array(new SharedArrayBuffer(4));
const samples = [[], []];
for (let round = 0; round < ROUNDS; round++) {
  for (const [i, ns] of links[0](links, 1, PAIRS).entries()) samples[i].push(ns);
  Atomics.wait(pause, 0, 0, 20);
}
const median = (numbers) => numbers.sort((a, b) => a - b)[numbers.length >> 1];
console.log(JSON.stringify({ malloc: median(samples[0]), free: median(samples[1]) }));
