// SPDX-License-Identifier: MIT
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseSources, readSources, root } from '../../scripts/sources.mjs';

test('cpp/sources.txt lists every file, each once', () => {
  const listed = readSources().map(({ path }) => path);
  const there = readdirSync(join(root, 'cpp'), { recursive: true, encoding: 'utf8' });
  expect([...listed].sort()).toEqual(there.filter((path) => path.endsWith('.cc')).sort());
});

test('comments and empty lines do not count', () => {
  expect(parseSources('# list\n\ncore a/b.cc # why\n  addon c.cc\n')).toEqual([
    { target: 'core', path: 'a/b.cc' },
    { target: 'addon', path: 'c.cc' },
  ]);
});

test.each(['core', 'core a.cc b.cc', 'other a.cc'])('the line %j is refused', (line) => {
  expect(() => parseSources(`# list\n${line}\n`)).toThrow(`cpp/sources.txt:2: `);
});
