// SPDX-License-Identifier: MIT
// How wide text is that goes into a pipe.
import { expect, test } from 'vitest';
import { folderOf } from '../support/folder.js';
import { memtape } from '../support/memtape.js';

const LONG = 'x'.repeat(300);

test('into a pipe goes text of at most 160 columns, or as wide as COLUMNS says', () => {
  const code = `globalThis.kept = (function ${LONG}() { return Buffer.alloc(5_000_001) })()`;
  const cwd = folderOf({ 'app.js': code });
  memtape(['run', '-q', '-o', 'a.bin', 'app.js'], { cwd });
  const widest = (columns = '') => {
    const { stdout } = memtape(['summary', 'a.bin'], { cwd, env: { COLUMNS: columns } });
    return Math.max(...stdout.split('\n').map((line) => line.length));
  };
  expect(widest()).toBe(160);
  expect(widest('100')).toBe(100);
  expect(widest('1000')).toBeGreaterThan(300);
  expect(widest('wide')).toBe(160);
});
