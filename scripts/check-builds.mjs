// SPDX-License-Identifier: MIT
// `npm run check:builds`: builds what ships in ways that do not ship, by cmake-js and with traps for
// undefined behaviour, puts each into a package of its own, and records with it.
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { nodeHeaders } from './build-native.mjs';
import { needPackages, needTools, run } from './setup.mjs';
import { root } from './sources.mjs';

needTools(['g++', 'cmake', 'ninja']);
needPackages();
if (!existsSync(join(root, 'dist/cli.js'))) {
  const { buildTs } = await import('./build-ts.mjs');
  await buildTs();
}

/** @type {import('node:child_process').SpawnSyncOptions} */
const quiet = { stdio: ['ignore', 'ignore', 'inherit'] };

function buildByCmakeJs() {
  run('npm', ['run', '--silent', 'build:cmake-js'], quiet);
  return 'build/cmake-js/Release';
}

function buildWithTraps() {
  const addonApi = dirname(createRequire(import.meta.url).resolve('node-addon-api/package.json'));
  run('cmake', ['--preset', 'ubsan', `-DCMAKE_JS_INC=${nodeHeaders()};${addonApi}`], quiet);
  run('cmake', ['--build', '--preset', 'ubsan'], quiet);
  return 'build/cmake-ubsan';
}

/**
 * A folder in which memtape finds the shared objects of `built`.
 * @param {string} name
 * @param {string} built
 */
function makePackage(name, built) {
  const folder = join(root, 'build/packages', name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'prebuilds'), { recursive: true });
  mkdirSync(join(folder, 'build/Release'), { recursive: true });
  cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true });
  copyFileSync(join(root, 'package.json'), join(folder, 'package.json'));
  for (const file of ['memtape.node', 'libmemtape.so']) {
    copyFileSync(join(root, built, file), join(folder, 'build/Release', file));
  }
  return folder;
}

const program = `
  function grow() { return Buffer.alloc(5_000_000) }
  globalThis.kept = grow();
  for (let i = 0; i < 2000; i++) JSON.parse(JSON.stringify({ a: [i, 'x'.repeat(i)] }));
  new (require('node:worker_threads').Worker)('Buffer.alloc(1000)', { eval: true });`;

/**
 * @param {string} name
 * @param {string} folder
 */
function records(name, folder) {
  return [[], ['--native']].every((options) => {
    const output = join(folder, 'a.bin');
    const cli = join(folder, 'dist/cli.js');
    const args = [cli, 'run', '-f', '-o', output, ...options, '-e', program];
    const { status, signal, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    if (status === 0 && /^ +5\.000MB +\d+% {2}grow:\[eval\]:2/m.test(stderr)) return true;
    console.error(`${name} ${options.join(' ')}: ${signal ?? `exit code ${status}`}\n${stderr}`);
    return false;
  });
}

/** @type {[name: string, build: () => string][]} */
const builds = [
  ['cmake-js', buildByCmakeJs],
  ['ubsan', buildWithTraps],
];
const named = process.argv.slice(2);
const wanted = builds.filter(([name]) => named.length === 0 || named.includes(name));
const failed = wanted.filter(([name, build]) => !records(name, makePackage(name, build())));
console.log(`builds: ${wanted.map(([name]) => name).join(', ')}; ${failed.length} do not record`);
process.exitCode = failed.length > 0 || wanted.length === 0 ? 1 : 0;
