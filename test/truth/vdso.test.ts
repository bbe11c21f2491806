// SPDX-License-Identifier: MIT
// The kernel's own library has no file; its functions have their names all the same, also where the capture is carried to.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/folder.js';
import { memtape } from '../support/memtape.js';
import { run } from '../support/native.js';

const source = fileURLToPath(new URL('fixtures/vdso.c', import.meta.url));
const hasVdso = /\[vdso\]$/m.test(readFileSync('/proc/self/maps', 'latin1'));

test.skipIf(!hasVdso)('the stack of a signal goes through the vDSO, by name', () => {
  const folder = temporaryFolder();
  const program = join(folder, 'clock');
  run('gcc', '-O1', '-g', '-fno-optimize-sibling-calls', '-o', program, source);
  const capture = join(folder, 'clock.bin');
  const { status, stderr } = memtape(['run', '-q', '--native', '-o', capture, '--', program]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const { stdout } = memtape(['transform', 'collapsed', '-o', '-', capture]);
  expect(stdout).toMatch(/;main .*;(?:__vdso_|__kernel_)?clock_gettime \(\[vdso\]\);.*;Interrupt /);
  expect(stdout).not.toContain('[vdso]+0x');
});
