// SPDX-License-Identifier: MIT
// Programs made at random: functions of every kind that call each other in every way that JavaScript has, and allocate
// (addon.probe) at random places. The same seed makes the same program.
import { type Bodies, callForms, functionForms } from './forms.js';

/** Numbers from 0 to below `n`. */
export type Random = (n: number) => number;

/** mulberry32. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return (n) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}

const FUNCTIONS = 48;
const PROBE = 'addon.probe(ask)';

/** Makes statements that call functions from `first` on: calls go one way, so every program ends. */
class Statements {
  readonly #random: Random;
  readonly #first: number;

  constructor(random: Random, first: number) {
    this.#random = random;
    this.#first = first;
  }

  call(): string {
    if (this.#first >= FUNCTIONS) return PROBE;
    const callee = `f${this.#first + this.#random(FUNCTIONS - this.#first)}`;
    const form = this.#pick(callForms);
    return `(left-- > 0 ? ${form(callee, `n${this.#random(1000)}`)} : 0)`;
  }

  statement(depth: number): string {
    const forms = depth > 2 ? this.#simple() : [...this.#simple(), ...this.#nested(depth + 1)];
    return this.#pick(forms)();
  }

  body(): string {
    return Array.from({ length: 1 + this.#random(3) }, () => this.statement(0)).join('\n');
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#random(list.length)] as T;
  }

  #simple(): (() => string)[] {
    return [
      () => `${PROBE};`,
      () => `x = [${PROBE}, x,\n    ${this.call()}][1];`,
      () => `${this.call()};`,
      () => `use(${this.call()}, ${this.call()});`,
      () => `${this.call()}; ${this.call()};`,
      () => `if (typeof x === 'string') ${PROBE}; else use(x + 1);`,
      () => `if (left % 11 === 0) throw x;`,
      () => `change(left);`,
    ];
  }

  #nested(depth: number): (() => string)[] {
    const inner = () => this.statement(depth);
    return [
      () => `try {\n${inner()}\n} catch (e) {\n${inner()}\n}`,
      () => `try {\n${inner()}\n} finally {\n${inner()}\n}`,
      () => `for (let i = 0; i < 3; i++) {\n${inner()}\n}`,
      () => `for (const i of pairs) {\n${inner()}\n}`,
      () => `for (let i = 0; i < 400; i++) {\nuse(i);\nif (i % 150 === 9) {\n${inner()}\n}\n}`,
      () => `switch (left % 3) {\ncase 0:\n${inner()}\nbreak;\ndefault:\n${inner()}\n}`,
      () => `{\nconst inner = () => {\n${inner()}\n};\ninner();\n}`,
      () => `do {\n${inner()}\n} while (left-- % 4 === 1);`,
    ];
  }
}

function definition(random: Random, index: number): string {
  const statements = new Statements(random, index + 1);
  const bodies: Bodies = { body: () => statements.body(), call: () => statements.call() };
  const form = functionForms[random(functionForms.length)];
  if (!form) throw new Error('there are no forms');
  return form(`f${index}`, bodies);
}

const prologue = `'use strict';
const addon = require(process.env.TRUTH_ADDON);
const ask = require(process.env.TRUTH_ASK);
const vm = require('node:vm');
const { Worker, isMainThread } = require('node:worker_threads');
let left = 0;
let sink;
let x = 0;
const use = (...values) => { sink = values; return values.length; };
const pairs = [1, 'two'];
const values = [1, 2.5, 'text', null, { a: 1 }, [1, 2], undefined, -0, true];
process.on('unhandledRejection', use);
class Shape { side() { return 1; } }
let constant = 1;
// Throws optimized code away that counts on these.
function change(by) {
  if (by % 97 === 3) Shape.prototype.side = () => by;
  if (by % 89 === 5) constant = by;
  return new Shape().side() + constant;
}
function deep(depth, then) {
  return depth > 0 ? deep(depth - 1, then) : then();
}
const context = vm.createContext({});
const elsewhere = vm.runInContext('(f, x) => { return f(x); }', context, 'elsewhere.js');
const here = vm.runInThisContext('\\n\\n(function here(f, x) { return f(x); })', { filename: 'here.js', lineOffset: 10 });
const made = new Function('f', 'x', 'return [f(x)]');
// imports env.call(), exports run(n): calls itself n times, then env.call()
let wasmCallee;
const wasm = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(WASM_BYTES)), { env: { call: () => { wasmCallee(); } } }).exports;
function throughWasm(f, x) {
  const before = wasmCallee;
  wasmCallee = () => f(x);
  try { wasm.run(2); } finally { wasmCallee = before; }
}
`;

const epilogue = (rounds: number) => `
async function main() {
  for (let round = 0; round < ${rounds}; round++) {
    left = 30;
    x = values[round % values.length];
    try { use(await entries[round % entries.length](values[round % 7])); } catch (e) { use(e); }
    if (round % 500 === 499) globalThis.gc?.();
    if (round % 300 === 7) await new Promise(setImmediate);
    if (round % 400 === 11) {
      left = 3;
      try { deep(700 + (round % 600), () => entries[round % entries.length](round)); } catch (e) { use(e); }
    }
  }
}
const other = isMainThread ? new Worker(__filename) : undefined;
main().then(() => other?.ref());
`;

export interface ProgramOptions {
  readonly seed: number;
  readonly rounds: number;
  readonly wasm: Uint8Array;
}

export function generateProgram({ seed, rounds, wasm }: ProgramOptions): string {
  const random = randomOf(seed);
  const definitions = Array.from({ length: FUNCTIONS }, (_, i) => definition(random, i));
  const numbers = Array.from({ length: 1000 }, (_, i) => i)
    .filter((i) => definitions.some((text) => text.includes(`n${i}`)))
    .map((i) => `const n${i} = values[${i % 9}];`);
  return [
    prologue.replace('WASM_BYTES', `[${wasm.join(',')}]`),
    ...numbers,
    ...definitions,
    `const entries = [${Array.from({ length: 12 }, (_, i) => `f${i}`).join(', ')}];`,
    epilogue(rounds),
  ].join('\n');
}
