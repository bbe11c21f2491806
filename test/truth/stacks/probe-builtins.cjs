// SPDX-License-Identifier: MIT
// For --require, before a program that somebody else wrote: some builtins allocate at every 16th call.
'use strict';
const addon = require(process.env.TRUTH_ADDON);
const ask = require(process.env.TRUTH_ASK);

let calls = 0;
function probe() {
  if (++calls % 16 === 0) addon.probe(ask);
}

function instrument(owner, name) {
  const original = owner[name];
  const { apply } = Reflect;
  const value = function instrumented(...values) {
    probe();
    return apply(original, this, values);
  };
  Object.defineProperty(owner, name, { value, writable: true, configurable: true });
}

// (Node.js itself keeps its own copies.)
for (const name of ['push', 'map', 'forEach', 'join', 'slice', 'some', 'indexOf']) {
  instrument(Array.prototype, name);
}
for (const name of ['slice', 'replace', 'split', 'startsWith']) instrument(String.prototype, name);
for (const name of ['get', 'set', 'has']) instrument(Map.prototype, name);
for (const name of ['keys', 'assign', 'defineProperty']) instrument(Object, name);
instrument(RegExp.prototype, 'exec');
