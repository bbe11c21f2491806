// SPDX-License-Identifier: MIT
// Puts in place what a command needs: system packages where it may (root, apt), npm packages always.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { findChromium } from './chromium.mjs';
import { root } from './sources.mjs';

/** A tool, how to see whether it is there, and the Debian package that brings it. */
const tools = {
  'g++': { found: () => onPath('g++'), package: 'g++' },
  make: { found: () => onPath('make'), package: 'make' },
  python3: { found: () => onPath('python3'), package: 'python3' },
  cmake: { found: () => onPath('cmake'), package: 'cmake' },
  ninja: { found: () => onPath('ninja'), package: 'ninja-build' },
  googletest: {
    found: () => existsSync('/usr/include/gtest/gtest.h') || existsSync('/usr/local/include/gtest'),
    package: 'libgtest-dev',
  },
  'clang-format': { found: () => onPath('clang-format-14'), package: 'clang-format-14' },
  'clang-tidy': { found: () => onPath('clang-tidy-14'), package: 'clang-tidy-14' },
  chromium: { found: () => findChromium() !== undefined, package: 'chromium' },
};

/** @param {string} name */
function onPath(name) {
  return (process.env['PATH'] ?? '').split(delimiter).some((dir) => existsSync(join(dir, name)));
}

/**
 * Runs a command with inherited output; ends this process when the command fails.
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').SpawnSyncOptions} [options]
 */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (result.error) throw result.error;
  if (result.status === 0) return;
  console.error(
    `${[command, ...args].join(' ')}: ${result.signal ?? `exit code ${result.status}`}`,
  );
  process.exit(1);
}

/**
 * Installs the named tools that are missing; ends this process with their names where it cannot.
 * @param {(keyof typeof tools)[]} names
 */
export function needTools(names) {
  const missing = names.filter((name) => !tools[name].found());
  if (missing.length === 0) return;
  const packages = missing.map((name) => tools[name].package);
  const install = `apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  if (process.getuid?.() !== 0 || !onPath('apt-get')) {
    console.error(`Missing: ${missing.join(', ')}.\nOn Debian or Ubuntu, as root: ${install}`);
    process.exit(1);
  }
  console.log(`Installing ${packages.join(', ')} …`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  /** @type {import('node:child_process').SpawnSyncOptions} */
  const quiet = { env, stdio: ['ignore', 'ignore', 'inherit'] };
  run('apt-get', ['update', '-qq'], quiet);
  run('apt-get', install.split(' ').slice(1), quiet);
}

/**
 * Whether folder/node_modules holds what folder/package-lock.json asks for.
 * @param {string} folder
 */
function installed(folder) {
  const hidden = join(folder, 'node_modules/.package-lock.json');
  if (!existsSync(hidden)) return false;
  const want = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')).packages;
  const have = JSON.parse(readFileSync(hidden, 'utf8')).packages;
  return Object.keys(want).every(
    (path) =>
      path === '' ||
      have[path]?.version === want[path].version ||
      (want[path].optional && !have[path]),
  );
}

/**
 * `npm ci` in a folder, unless it is up to date. No scripts run: building is the caller's next step.
 * @param {string} [folder] relative to the top
 */
export function needPackages(folder = '.') {
  const path = join(root, folder);
  if (installed(path)) return;
  console.log(`npm ci in ${folder} …`);
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: path,
  });
}

/**
 * `pip install` of folder/requirements.txt into folder/python, unless it is there.
 * @param {string} folder relative to the top
 */
export function needPython(folder) {
  const target = join(root, folder, 'python');
  if (existsSync(target)) return;
  console.log(`pip install in ${folder} …`);
  const list = join(root, folder, 'requirements.txt');
  const quiet = ['-q', '--root-user-action=ignore', '--disable-pip-version-check'];
  run('python3', ['-m', 'pip', 'install', ...quiet, '--no-deps', `--target=${target}`, '-r', list]);
}

/**
 * `cargo install` of the crates in folder/crates.txt (`name version`) into folder/rust, unless it is there or there is no cargo.
 * @param {string} folder relative to the top
 */
export function needCrates(folder) {
  const target = join(root, folder, 'rust');
  if (existsSync(target) || spawnSync('cargo', ['--version']).status !== 0) return;
  console.log(`cargo install in ${folder} …`);
  const list = readFileSync(join(root, folder, 'crates.txt'), 'utf8')
    .trim()
    .split('\n');
  for (const crate of list) {
    const [name = '', version = ''] = crate.split(' ');
    // Tests give it little to do: optimizing it would take longer than all they do with it.
    const args = ['install', '-q', '--debug', '--locked', '--root', target];
    args.push('--version', version, name);
    const { status } = spawnSync('cargo', args, {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    if (status !== 0) console.log(`${name} is not there: the tests that need it are skipped`);
  }
}
