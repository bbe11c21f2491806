// SPDX-License-Identifier: MIT
// What is measured: the real programs of test/real, and loops that do nothing but allocate.
import { fileURLToPath } from 'node:url';
import { commands, folder } from '../test/real/commands.mjs';

/**
 * @typedef {object} Case
 * @property {string} name
 * @property {string} cwd
 * @property {string[]} args for node
 * @property {number} rounds how often each variant runs unless --rounds says otherwise
 */

const here = fileURLToPath(new URL('.', import.meta.url));

/** @type {(name: string, args: string[] | undefined) => Case} */
const real = (name, args) => ({ name, cwd: folder, args: args ?? [], rounds: 7 });

/** @type {(name: string) => Case} */
const loop = (name) => ({ name, cwd: here, args: [`programs/${name}.cjs`], rounds: 9 });

/** @type {Case[]} */
export const cases = [
  real('tsc', commands['tsc']),
  real('rollup', commands['rollup']),
  real('prettier', commands['prettier']),
  real('express', ['programs/express-json.mjs', '10000']),
  real('sharp', ['programs/sharp-resize.mjs', '60']),
  real('workers', commands['workers']),
  loop('buffers'),
  loop('crypto'),
  loop('json'),
  { name: 'start-up', cwd: here, args: ['-e', '0'], rounds: 31 },
];
