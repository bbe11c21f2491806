// SPDX-License-Identifier: MIT
// Builds and inspects native programs in tests.
import { execFileSync } from 'node:child_process';

const MAX_OUTPUT = 1 << 29;

export function run(command: string, ...args: readonly string[]): string {
  return execFileSync(command, args, {
    encoding: 'utf8',
    maxBuffer: MAX_OUTPUT,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

/** Compiles one C++ file and returns the program's path. */
export function compile(source: string, output: string, ...flags: readonly string[]): string {
  run('g++', '-O1', '-o', output, source, ...flags);
  return output;
}

/** Readable names by the C++ library's own demangler. */
export function demangle(names: readonly string[]): string[] {
  const output = execFileSync('c++filt', { encoding: 'utf8', input: `${names.join('\n')}\n` });
  return output.split('\n').slice(0, names.length);
}
