// SPDX-License-Identifier: MIT
// The ways to run one program: as it is, under memtape, under heaptrack.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {object} Variant
 * @property {string} name
 * @property {string | null} missing why it cannot run here, or null
 * @property {(node: string, args: string[], scratch: string) => string[]} command the whole argument vector
 */

const root = fileURLToPath(new URL('..', import.meta.url));
const preload = process.env['MEMTAPE_PRELOAD'] ?? join(root, 'build', 'Release', 'libmemtape.so');
const cli = join(root, 'dist', 'cli.js');

/** @param {string} name */
function hasCommand(name) {
  try {
    execFileSync('which', [name], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const heaptrack = hasCommand('heaptrack')
  ? null
  : 'heaptrack is not installed (apt-get install heaptrack)';
const library = existsSync(preload) ? null : `${preload} is not built`;

/**
 * Recorded by the preload library alone; env replaces itself by node: only node is loaded with it.
 *
 * @param {string} name
 * @param {string[]} settings
 * @returns {Variant}
 */
function recorded(name, settings) {
  return {
    name,
    missing: library,
    command: (node, args, scratch) => [
      ...['env', `LD_PRELOAD=${preload}`, `MEMTAPE_OUTPUT=${join(scratch, 'capture.bin')}`],
      ...[...settings, node, ...args],
    ],
  };
}

/** @type {Variant[]} */
export const variants = [
  { name: 'plain', missing: null, command: (node, args) => [node, ...args] },
  recorded('memtape', []),
  recorded('memtape --native', ['MEMTAPE_NATIVE=1']),
  recorded('memtape --js-heap', ['MEMTAPE_JS_HEAP=524288']),
  {
    name: 'memtape run',
    missing: library ?? (existsSync(cli) ? null : `${cli} is not built`),
    command: (node, args, scratch) => [
      ...[process.execPath, cli, 'run', '-q', '-f', '-o', join(scratch, 'capture.bin'), '--'],
      ...[node, ...args],
    ],
  },
  {
    name: 'heaptrack',
    missing: heaptrack,
    command: (node, args, scratch) => [
      'heaptrack',
      '-o',
      join(scratch, 'heaptrack'),
      node,
      ...args,
    ],
  },
  {
    name: 'heaptrack --raw',
    missing: heaptrack,
    command: (node, args, scratch) => [
      ...['heaptrack', '--raw', '-o', join(scratch, 'heaptrack')],
      ...[node, ...args],
    ],
  },
];
