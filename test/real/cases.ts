// SPDX-License-Identifier: MIT
// The real programs and what a recording of each must say.
import type { FrameKind } from '../../ts/model/frame.js';
import { commands } from './commands.mjs';

export interface FrameWanted {
  readonly name: string;
  /** Matches the end of the file's path. */
  readonly file: string;
}

/** Allocations of exactly this size below a function of the program. */
export interface SizeWanted {
  readonly size: number;
  readonly count: number;
  readonly under: string;
}

export interface RealCase {
  readonly name: string;
  /** For node, in this folder. */
  readonly args: readonly string[];
  readonly frames: readonly FrameWanted[];
  /** Dependencies of package.json that frames must be attributed to, with their versions. */
  readonly packages: readonly string[];
  readonly sizes?: readonly SizeWanted[];
  /** Base names of native modules that must have allocated. */
  readonly modules?: readonly string[];
  /** Of the bytes that these modules (base names) allocated on any thread, at least this part must reach a JavaScript line. */
  readonly onLines?: { readonly modules: readonly string[]; readonly share: number };
  /** Bytes that a function of the program and what it called must have held at the peak, at least. */
  readonly held?: { readonly under: string; readonly bytes: number; readonly through?: FrameKind };
  /** The first Node.js that runs it. */
  readonly since?: number;
  /** Of the capture before compression, for each event at most. */
  readonly bytesPerEvent?: number;
  /** Functions that must have allocated on worker threads, and on how many. */
  readonly workers?: { readonly under: string; readonly threads: number };
}

function argsOf(name: string): readonly string[] {
  const args = commands[name];
  if (!args) throw new Error(`no command is called ${name}`);
  return args;
}

const compiler = 'node_modules/typescript/lib/_tsc.js';
const prettier = 'node_modules/prettier/index.mjs';

export const cases: readonly RealCase[] = [
  {
    name: 'tsc',
    args: argsOf('tsc'),
    frames: [
      'createSourceFile',
      'parseSourceFile',
      'bindSourceFile',
      'createProgram',
      'checkSourceFile',
    ].map((name) => ({
      name,
      file: compiler,
    })),
    packages: ['typescript'],
    bytesPerEvent: 4,
  },
  {
    name: 'rollup',
    args: argsOf('rollup'),
    frames: [
      { name: 'rollupInternal', file: 'rollup/dist/es/shared/node-entry.js' },
      { name: 'generate', file: 'rollup/dist/es/shared/node-entry.js' },
    ],
    packages: ['rollup'],
    modules: ['rollup.linux-x64-gnu.node'],
  },
  {
    name: 'prettier',
    args: argsOf('prettier'),
    frames: [
      { name: 'printAstToDoc', file: prettier },
      { name: 'attachComments', file: prettier },
    ],
    packages: ['prettier'],
  },
  {
    name: 'express',
    args: argsOf('express'),
    frames: [
      { name: 'jsonParser', file: 'body-parser/lib/types/json.js' },
      { name: 'handle', file: 'router/index.js' },
    ],
    packages: ['express'],
  },
  {
    name: 'sharp',
    args: argsOf('sharp'),
    frames: [{ name: 'noise', file: 'programs/sharp-resize.mjs' }],
    packages: ['sharp'],
    // The raw pixels of three pictures of 1600 × 1200.
    sizes: [{ size: 1600 * 1200 * 3, count: 3, under: 'noise' }],
    modules: ['libvips-cpp.so'],
    onLines: { modules: ['libvips-cpp.so', 'sharp-'], share: 0.999 },
  },
  {
    // An addon in Rust, by napi-rs.
    name: 'canvas',
    args: argsOf('canvas'),
    frames: [
      { name: 'paint', file: 'programs/paint-cards.mjs' },
      { name: 'createCanvas', file: '@napi-rs/canvas/index.js' },
    ],
    packages: ['@napi-rs/canvas'],
    modules: ['skia.linux-x64-gnu.node'],
    // The pixels of four cards of 1600 × 1000.
    sizes: [{ size: 1600 * 1000 * 4, count: 4, under: 'paint' }],
  },
  {
    name: 'sqlite',
    args: argsOf('sqlite'),
    since: 22,
    frames: [{ name: 'insertRows', file: 'programs/sqlite-rows.mjs' }],
    packages: [],
    // 10,000 rows of 1000 bytes.
    held: { under: 'insertRows', bytes: 10_000 * 1000 },
  },
  {
    // A parser in WebAssembly, whose memory is one that grows.
    name: 'wasm',
    args: argsOf('wasm'),
    frames: [
      { name: 'parseFile', file: 'programs/parse-trees.mjs' },
      { name: 'initMemory', file: 'web-tree-sitter.mjs' },
    ],
    packages: ['web-tree-sitter'],
    // What the four trees need beyond the 33.6 MB that the memory begins with.
    held: { under: 'parseFile', bytes: 60e6, through: 'wasm' },
  },
  {
    name: 'workers',
    args: argsOf('workers'),
    frames: [
      { name: 'indexFile', file: 'programs/index-words-worker.mjs' },
      { name: 'indexPart', file: 'programs/index-words.mjs' },
    ],
    packages: [],
    workers: { under: 'indexFile', threads: 4 },
  },
];
