// SPDX-License-Identifier: MIT
// `npm run demo`: from a clean clone to flame graphs of examples/, in demo/.
import { mkdirSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { needPackages, needTools, run } from './setup.mjs';
import { root } from './sources.mjs';

needTools(['g++', 'make', 'python3']);
needPackages();
const { buildTs } = await import('./build-ts.mjs');
const { buildNative } = await import('./build-native.mjs');
const { buildExamples } = await import('./build-examples.mjs');
await buildTs();
buildNative();
buildExamples();

const examples = readdirSync(join(root, 'examples')).filter((file) => file.endsWith('.mjs'));
mkdirSync(join(root, 'demo'), { recursive: true });
/** @param {string[]} args */
const memtape = (...args) => run(process.execPath, ['dist/cli.js', ...args]);
for (const file of examples) {
  const name = join('demo', basename(file, '.mjs'));
  console.log(`\n── examples/${file}`);
  memtape('run', '-f', '-o', `${name}.bin`, join('examples', file));
  memtape('flamegraph', '-f', '-o', `${name}.html`, `${name}.bin`);
}
console.log(`\nOpen ${join(root, 'demo')}/*.html in a browser.`);
