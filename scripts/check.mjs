// SPDX-License-Identifier: MIT
// `npm run check`: format, lint, types, layers. `npm run format` writes what can be written.
import { execFileSync, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { needPackages, needTools } from './setup.mjs';
import { root } from './sources.mjs';

const fix = process.argv.includes('--fix');
const require = createRequire(import.meta.url);

needPackages();
needTools(fix ? ['clang-format'] : ['clang-format', 'clang-tidy']);

/** Files that git knows or would add: neither build output nor what tests installed. */
const cppFiles = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard', '*.cc', '*.h'],
  { cwd: root, encoding: 'utf8' },
)
  .split('\n')
  .filter((file) => /^(cpp|bench|test\/cpp)\//.test(file));

const node = process.execPath;
/** @typedef {[name: string, command: string, args: string[]]} Step */
/** @type {Step[]} */
const steps = [
  ['clang-format', 'clang-format-14', [...(fix ? ['-i'] : ['--dry-run', '--Werror']), ...cppFiles]],
  [
    'biome',
    node,
    [
      require.resolve('@biomejs/biome/bin/biome'),
      'check',
      ...(fix ? ['--write'] : ['--error-on-warnings']),
    ],
  ],
  ['types', node, [require.resolve('typescript/bin/tsc'), '--noEmit']],
  [
    'types in the browser',
    node,
    [require.resolve('typescript/bin/tsc'), '-p', 'tsconfig.browser.json'],
  ],
  ['layers', node, ['scripts/check-layers.mjs']],
];
// Changes nothing, and takes long for what just changed. It keeps all processors busy; the others one.
/** @type {Step[]} */
const beside = fix ? [] : [['clang-tidy', node, ['scripts/clang-tidy.mjs']]];

/**
 * What a step printed comes in one piece, when it has ended.
 * @param {Step} step
 * @returns {Promise<boolean>}
 */
function passes([name, command, args]) {
  const startedMs = performance.now();
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  /** @type {Buffer[]} */
  const output = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => output.push(data));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => {
      const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
      process.stdout.write(Buffer.concat(output));
      console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
      resolve(status === 0);
    });
  });
}

/** @param {Step[]} list */
async function allPass(list) {
  let passed = true;
  for (const step of list) passed = (await passes(step)) && passed;
  return passed;
}

const passed = await Promise.all([allPass(steps), allPass(beside)]);
process.exitCode = passed.every(Boolean) ? 0 : 1;
