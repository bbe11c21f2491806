// SPDX-License-Identifier: MIT
// clang-tidy over what ships of cpp/, or over the files named. What was clean once is not looked at
// again: build/tidy/ has an empty file for the hash of everything that an answer depends on.
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { nodeHeaders } from './build-native.mjs';
import { needTools } from './setup.mjs';
import { readSources, root } from './sources.mjs';

needTools(['g++', 'clang-tidy']);

const cache = join(root, 'build/tidy');
const addonApi = dirname(createRequire(import.meta.url).resolve('node-addon-api/package.json'));
const common = execFileSync('clang-tidy-14', ['--version'], { encoding: 'utf8' })
  .concat(readFileSync(join(root, '.clang-tidy'), 'utf8'))
  .concat(process.version);

/** @param {string} file */
function flagsOf(file) {
  const flags = ['-std=c++20', '-Icpp', '-Wall', '-Wextra', '-fno-exceptions', '-fno-rtti'];
  if (!file.startsWith('cpp/binding/')) return flags;
  const system = [nodeHeaders(), addonApi].flatMap((folder) => ['-isystem', folder]);
  return [...flags, ...system, '-DNAPI_VERSION=9', '-DNAPI_DISABLE_CPP_EXCEPTIONS'];
}

/**
 * A file and all of cpp/ that it includes.
 * @param {string} file
 * @param {Set<string>} [seen]
 */
function withIncludes(file, seen = new Set()) {
  if (seen.has(file) || !existsSync(join(root, file))) return seen;
  seen.add(file);
  const text = readFileSync(join(root, file), 'utf8');
  for (const [, name] of text.matchAll(/^[ \t]*#[ \t]*include[ \t]+"([^"]+)"/gm)) {
    withIncludes(`cpp/${name}`, seen);
  }
  return seen;
}

/** @param {string} file */
function hashOf(file) {
  const hash = createHash('sha256').update(common).update(flagsOf(file).join(' '));
  for (const each of [...withIncludes(file)].sort()) {
    hash.update(`\0${each}\0`).update(readFileSync(join(root, each)));
  }
  return hash.digest('hex');
}

/**
 * @param {string} file
 * @returns {Promise<boolean>}
 */
function isClean(file) {
  const args = ['--quiet', file, '--', ...flagsOf(file)];
  const child = spawn('clang-tidy-14', args, { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] });
  let output = '';
  child.stdout.on('data', (data) => {
    output += data;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => {
      process.stdout.write(output);
      if (status !== 0) console.error(`${file}: clang-tidy exits with ${status}`);
      resolve(status === 0);
    });
  });
}

const named = process.argv.slice(2);
const files = named.length > 0 ? named : readSources().map(({ path }) => `cpp/${path}`);
mkdirSync(cache, { recursive: true });
const known = new Set(readdirSync(cache));
const hashes = new Map(files.map((file) => [file, hashOf(file)]));
const pending = files.filter((file) => !known.has(hashes.get(file) ?? ''));
const count = pending.length;
let dirty = 0;

async function work() {
  for (let file = pending.shift(); file !== undefined; file = pending.shift()) {
    if (await isClean(file)) writeFileSync(join(cache, hashes.get(file) ?? ''), '');
    else dirty++;
  }
}

await Promise.all(Array.from({ length: availableParallelism() }, work));
if (named.length === 0) {
  const current = new Set(hashes.values());
  for (const name of known) if (!current.has(name)) rmSync(join(cache, name), { force: true });
}
console.log(`clang-tidy: ${count} of ${files.length} files looked at, ${dirty} with findings`);
process.exitCode = dirty > 0 ? 1 : 0;
