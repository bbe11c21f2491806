// SPDX-License-Identifier: MIT
// Native stacks are those that gdb finds. CONTRIBUTING.md says how to run this over more samples and programs.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { commands, folder } from '../real/commands.mjs';
import { compareStacks } from './gdb/compare-stacks.mjs';

function works(command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const missing = [
  ...(works('gdb', '-nx', '-batch', '-ex', 'python import gdb.unwinder') ? [] : ['gdb']),
  ...(works('readelf', '--version') && works('nm', '--version') ? [] : ['binutils']),
  ...(process.arch === 'x64' ? [] : ['x64']),
  ...(existsSync(join(folder, 'node_modules')) ? [] : ['the programs of test/real']),
];
const without = missing.length === 0 ? '' : ` (skipped: needs ${missing.join(', ')})`;

for (const { name, every } of [
  { name: 'prettier', every: 83 },
  { name: 'sharp', every: 61 },
]) {
  test.skipIf(missing.length > 0)(
    `${name}: stacks are gdb's${without}`,
    { timeout: 240_000 },
    () => {
      const args = commands[name] ?? [];
      const compared = compareStacks({
        node: process.execPath,
        args,
        cwd: folder,
        every,
        samples: 100,
      });
      expect(compared).toMatchObject({ errors: [], misses: {}, samples: 100 });
      // In libvips gdb has nothing to go by: there the frames before are compared.
      const partly = compared['equal until gdb knows no rows'] ?? 0;
      expect(compared.equal + partly).toBe(100);
      expect(compared.equal).toBeGreaterThan(50);
      expect(compared.jit).toBeGreaterThan(0);
      expect(Object.keys(compared.gaps).filter((file) => !file.startsWith('libvips'))).toEqual([]);
    },
  );
}
