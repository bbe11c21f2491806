// SPDX-License-Identifier: MIT
// `npm run check:targets`: compiles what ships for platforms that this machine cannot run, with zig:
// one package of PyPI that has the headers of every libc.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { nodeHeaders } from './build-native.mjs';
import { needTools, run } from './setup.mjs';
import { readSources, root } from './sources.mjs';

const targets = ['x86_64-linux-musl', 'aarch64-linux-gnu', 'aarch64-linux-musl'];
const zigVersion = '0.17.1';
const out = join(root, 'build/targets');
const zigHome = join(root, 'build/zig');
const zig = join(zigHome, 'ziglang/zig');

/** Into build/, where nothing else of Python sees it. */
function needZig() {
  if (existsSync(zig)) return;
  needTools(['python3']);
  const pip = ['-m', 'pip'];
  if (spawnSync('python3', [...pip, '--version']).status !== 0) {
    console.error(
      'Missing: pip, which brings zig.\nOn Debian or Ubuntu, as root: apt-get install -y python3-pip',
    );
    process.exit(1);
  }
  console.log(`pip install ziglang==${zigVersion} …`);
  run('python3', [
    ...[...pip, 'install', '--quiet', '--disable-pip-version-check', '--no-deps'],
    ...['--target', zigHome, `ziglang==${zigVersion}`],
  ]);
}

const addonApi = dirname(createRequire(import.meta.url).resolve('node-addon-api/package.json'));
const flags = [
  ...['-std=c++20', '-O1', '-fPIC', '-Icpp', '-Wall', '-Wextra', '-Werror', '-fno-exceptions'],
  ...['-fno-rtti', '-fno-omit-frame-pointer', '-fvisibility=hidden', '-fno-threadsafe-statics'],
  // On by default in zig, and not what ships.
  ...['-fno-sanitize=all', '-fno-stack-protector', '-U_FORTIFY_SOURCE'],
];
const addonFlags = [
  ...['-isystem', nodeHeaders(), '-isystem', addonApi],
  ...['-DNAPI_VERSION=9', '-DNAPI_DISABLE_CPP_EXCEPTIONS'],
];

/**
 * @param {string[]} args
 * @returns {Promise<boolean>}
 */
function compile(args) {
  const child = spawn(zig, ['c++', ...args], { cwd: root, stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve(status === 0));
  });
}

/**
 * @param {string} target
 * @param {string} path
 */
const objectOf = (target, path) => join(out, target, `${path.replaceAll('/', '_')}.o`);

needZig();
const sources = readSources();
const jobs = targets.flatMap((target) => sources.map(({ path }) => ({ target, path })));
/** @type {Set<string>} */
const failed = new Set();
for (const target of targets) {
  rmSync(join(out, target), { recursive: true, force: true });
  mkdirSync(join(out, target), { recursive: true });
}

async function work() {
  for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
    const { target, path } = job;
    const more = path.startsWith('binding/') ? addonFlags : [];
    const object = objectOf(target, path);
    const args = ['-target', target, ...flags, ...more, '-c', `cpp/${path}`, '-o', object];
    if (!(await compile(args))) failed.add(`${target}: cpp/${path}`);
  }
}
await Promise.all(Array.from({ length: availableParallelism() }, work));

for (const what of failed) console.error(`FAILED ${what}`);
console.log(`targets: ${sources.length} files for each of ${targets.join(', ')}`);
process.exitCode = failed.size > 0 ? 1 : 0;
