// SPDX-License-Identifier: MIT
// The real programs: arguments for node, relative to this folder. The tests and the benchmarks run the same ones.
import { fileURLToPath } from 'node:url';

export const folder = fileURLToPath(new URL('.', import.meta.url));

/** @type {Record<string, string[]>} */
export const commands = {
  tsc: ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.zod.json', '--listFiles'],
  rollup: ['programs/rollup-three.mjs'],
  prettier: [
    'node_modules/prettier/bin/prettier.cjs',
    '--with-node-modules',
    '--no-config',
    '--ignore-path',
    '/dev/null',
    'node_modules/three/build/three.core.js',
  ],
  express: ['programs/express-json.mjs', '2000'],
  sharp: ['programs/sharp-resize.mjs', '24'],
  canvas: ['programs/paint-cards.mjs'],
  sqlite: ['--disable-warning=ExperimentalWarning', 'programs/sqlite-rows.mjs'],
  wasm: ['programs/parse-trees.mjs', '4'],
  workers: ['programs/index-words.mjs'],
};
