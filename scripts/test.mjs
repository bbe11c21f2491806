// SPDX-License-Identifier: MIT
// `npm test`: from a clean clone to one line that says how many tests passed. `npm test -- --quick`
// leaves out what needs other Node.js versions or a browser.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { needTools, run } from './setup.mjs';
import { root } from './sources.mjs';

const quick = process.argv.includes('--quick');
const results = join(root, 'build/test-results');

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

/** @param {string} title */
function heading(title) {
  console.log(`\n── ${title} (${Math.round(performance.now() / 1000)} s)`);
}

/**
 * Totals of a JUnit report, or one failure when there is none: a crashed runner is no success.
 * @param {string} file
 * @param {number | null} status
 * @returns {Counts}
 */
function junit(file, status) {
  if (!existsSync(file)) return { passed: 0, failed: 1, skipped: 0 };
  const tag = /<testsuites?\b[^>]*>/.exec(readFileSync(file, 'utf8'))?.[0] ?? '';
  /** @param {string} name */
  const number = (name) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(tag)?.[1] ?? 0);
  const skipped = number('skipped') + number('disabled');
  const failed = number('failures') + number('errors');
  const passed = number('tests') - failed - skipped;
  return { passed, skipped, failed: status === 0 ? failed : Math.max(failed, 1) };
}

/**
 * @param {string} title
 * @param {string} preset
 * @returns {Counts}
 */
function cppTests(title, preset) {
  heading(title);
  run('cmake', ['--preset', preset], { stdio: ['ignore', 'ignore', 'inherit'] });
  run('cmake', ['--build', '--preset', preset, `-j${availableParallelism()}`]);
  const file = join(results, `ctest-${preset}.xml`);
  const { status } = spawnSync(
    'ctest',
    ['--preset', preset, `-j${availableParallelism()}`, '--progress', '--output-junit', file],
    { cwd: root, stdio: 'inherit' },
  );
  return junit(file, status);
}

/** @returns {Counts} */
function tsTests() {
  heading('TypeScript tests');
  const file = join(results, 'vitest.json');
  const { status } = spawnSync(
    process.execPath,
    [
      join(root, 'node_modules/vitest/vitest.mjs'),
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${file}`,
    ],
    {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, ...(quick && { MEMTAPE_TEST_QUICK: '1' }) },
    },
  );
  if (!existsSync(file)) return { passed: 0, failed: 1, skipped: 0 };
  const report = JSON.parse(readFileSync(file, 'utf8'));
  const passed = report.numPassedTests;
  const failed = report.numFailedTests + (report.success || report.numFailedTests > 0 ? 0 : 1);
  const skipped = report.numPendingTests + report.numTodoTests;
  return { passed, skipped, failed: status === 0 ? failed : Math.max(failed, 1) };
}

/** @returns {Counts} */
function checks() {
  heading('Format, lint, types, layers');
  const { status } = spawnSync(process.execPath, ['scripts/check.mjs'], {
    cwd: root,
    stdio: 'inherit',
  });
  return { passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1, skipped: 0 };
}

/** @returns {Counts} */
function otherBuilds() {
  if (quick) return { passed: 0, failed: 0, skipped: 1 };
  heading('Builds by cmake-js and with traps for undefined behaviour');
  const { status } = spawnSync(process.execPath, ['scripts/check-builds.mjs'], {
    cwd: root,
    stdio: 'inherit',
  });
  return { passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1, skipped: 0 };
}

/**
 * Runs a script beside what follows.
 * @param {string[]} args
 * @returns {() => Promise<void>} waits for its end; ends this process if the script failed
 */
function beside(...args) {
  const ended = once(spawn(process.execPath, args, { cwd: root, stdio: 'inherit' }), 'close');
  return async () => {
    const [status, signal] = await ended;
    if (status === 0) return;
    console.error(`${args.join(' ')}: ${signal ?? `exit code ${status}`}`);
    process.exit(1);
  };
}

/** @type {Counts} */
const sum = { passed: 0, failed: 0, skipped: 0 };

/** @param {Counts} counts */
function add(counts) {
  sum.passed += counts.passed;
  sum.failed += counts.failed;
  sum.skipped += counts.skipped;
}

heading('Set-up');
needTools(['g++', 'make', 'python3', 'cmake', 'ninja', 'googletest', 'clang-format', 'clang-tidy']);
if (!quick) needTools(['chromium']);
rmSync(results, { recursive: true, force: true });
mkdirSync(results, { recursive: true });

// The C++ tests need no package: compilers work while registries are waited for.
const packages = beside('scripts/setup-tests.mjs', ...(quick ? ['--quick'] : []));
add(cppTests('C++ tests', 'debug'));
add(quick ? { passed: 0, failed: 0, skipped: 1 } : cppTests('… under ASan and UBSan', 'asan'));
await packages();

heading('Build');
const typescript = beside('scripts/build.mjs', 'ts');
const { buildNative } = await import('./build-native.mjs');
buildNative();
await typescript();

for (const part of [checks, otherBuilds, tsTests]) add(part());
const skipped = sum.skipped > 0 ? `, ${sum.skipped} skipped` : '';
console.log(`\n${sum.passed} passed, ${sum.failed} failed${skipped}`);
process.exitCode = sum.failed === 0 && sum.passed > 0 ? 0 : 1;
