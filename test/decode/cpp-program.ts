// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const BUILD = new URL('../../build', import.meta.url).pathname;

/** A program of test/cpp, by its CMake name, in any build tree; null when there is none. */
export function cppProgram(name: string): ((...args: string[]) => string) | null {
  const trees = existsSync(BUILD) ? readdirSync(BUILD) : [];
  const path = trees.map((tree) => join(BUILD, tree, name)).find((file) => existsSync(file));
  if (path === undefined) return null;
  return (...args) => execFileSync(path, args, { encoding: 'utf8', maxBuffer: 2 ** 28 });
}
