// SPDX-License-Identifier: MIT
import { mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { expect, test } from 'vitest';
import { findLineTool, locateByTool, parseLocations } from '../../ts/resolve/line-tool.js';
import { temporaryFolder } from '../support/folder.js';

function pathOf(...folders: readonly (readonly string[])[]): string {
  const top = temporaryFolder();
  const paths = folders.map((names, i) => {
    const folder = join(top, String(i));
    mkdirSync(folder);
    for (const name of names) writeFileSync(join(folder, name), '');
    return folder;
  });
  return ['/nonexistent', ...paths].join(delimiter);
}

test.each([
  [[['addr2line'], ['llvm-symbolizer']], '1/llvm-symbolizer'],
  [[['llvm-symbolizer-9', 'llvm-symbolizer-19'], ['addr2line']], '0/llvm-symbolizer-19'],
  [[['llvm-symbolizer-19', 'llvm-symbolizer']], '0/llvm-symbolizer'],
  [[['x86_64-linux-gnu-addr2line', 'addr2line']], '0/addr2line'],
])('of %j the best tool is taken', (folders, expected) => {
  expect(findLineTool(pathOf(...folders))?.path).toMatch(new RegExp(`/${expected}$`));
});

test('there may be none', () => {
  expect(findLineTool(pathOf([], ['addr2line.py']))).toBeNull();
});

test('what the tools print is read, innermost first', () => {
  const output = [
    '0x0000000000001234',
    'Inner',
    '/src/../src/a.cc:12 (discriminator 3)',
    '_Z5Outerv',
    '/src/b c:d.cc:7',
    '0x20',
    '??',
    '??:0',
    '0x30',
    'symbol_only',
    'file-symbol.c:0',
    '0x40',
    '_Z1fv',
    '/src/a.cc:?',
  ].join('\n');
  const none = { file: '', line: 0 };
  expect(parseLocations(`${output}\n`)).toEqual([
    [
      { name: 'Inner', file: '/src/a.cc', line: 12 },
      { name: '_Z5Outerv', file: '/src/b c:d.cc', line: 7 },
    ],
    [{ name: '', ...none }],
    [{ name: 'symbol_only', ...none }],
    [{ name: '_Z1fv', ...none }],
  ]);
});

test('a tool that fails or says too little gives nothing', () => {
  const tool = (path: string) => ({ path, arguments: () => [], confusesInnermost: false });
  expect(locateByTool(tool('/nonexistent'), '/bin/sh', [1])).toBeNull();
  expect(locateByTool(tool('/bin/false'), '/bin/sh', [1])).toBeNull();
  expect(locateByTool(tool('/bin/true'), '/bin/sh', [1])).toBeNull();
});
