// SPDX-License-Identifier: MIT
// `npm run check`: format, lint, types, layers. `npm run format` writes what can be written.
import { execFileSync, spawnSync } from 'node:child_process';
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
/** @type {Step} */
const tidy = ['clang-tidy', node, ['scripts/clang-tidy.mjs']];
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
  // Changes nothing, and takes long for what just changed.
  ...(fix ? [] : [tidy]),
];

const failed = steps.filter(([name, command, args]) => {
  const startedMs = performance.now();
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
  return status !== 0;
});
process.exitCode = failed.length > 0 ? 1 : 0;
