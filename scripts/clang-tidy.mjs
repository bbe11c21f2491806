// SPDX-License-Identifier: MIT
// `npm run check:tidy`: clang-tidy over cpp/, with the compile commands of the debug preset.
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { needTools, run } from './setup.mjs';
import { readSources, root } from './sources.mjs';

needTools(['g++', 'cmake', 'ninja', 'googletest', 'clang-tidy']);
run('cmake', ['--preset', 'debug'], { stdio: ['ignore', 'ignore', 'inherit'] });

const named = process.argv.slice(2);
const files =
  named.length > 0
    ? named
    : readSources()
        .filter(({ target }) => target === 'core')
        .map(({ path }) => join('cpp', path));
const result = spawnSync(
  'xargs',
  [
    '-0',
    '-n1',
    `-P${availableParallelism()}`,
    'clang-tidy-14',
    '--quiet',
    '-p',
    'build/cmake-debug',
  ],
  { cwd: root, input: files.join('\0'), stdio: ['pipe', 'inherit', 'inherit'] },
);
process.exitCode = result.status === 0 ? 0 : 1;
