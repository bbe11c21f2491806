// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import { chmodSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Frame, ROOT_FRAME } from '../../ts/model/frame.js';
import { sourceLines } from '../../ts/resolve/source-lines.js';
import { folderOf } from '../support/folder.js';

const frame = (file: string, line: number, column = 1): Frame => ({
  ...ROOT_FRAME,
  kind: 'js',
  file,
  line,
  column,
});

test('the text of each line, without indentation', () => {
  const folder = folderOf({ 'a.js': 'one\r\n  two();\n\n', 'b.mts': 'uno' });
  const [a, b] = [join(folder, 'a.js'), join(folder, 'b.mts')];
  const frames = [frame(a, 2), frame(b, 1), frame(a, 1), frame(a, 3), frame(a, 99), frame(a, 0)];
  expect(sourceLines(frames)).toEqual(['two();', 'uno', 'one', undefined, undefined, undefined]);
});

test('what is no file on this machine has no text', () => {
  const folder = folderOf({ 'x/y.js': '' });
  execFileSync('mkfifo', [join(folder, 'pipe.js')]);
  const files = ['node:fs', 'evalmachine.<anonymous>', 'a.js', join(folder, 'x'), '/dev/zero'];
  const frames = [...files, join(folder, 'pipe.js'), join(folder, 'gone.js')].map((file) =>
    frame(file, 1),
  );
  expect(sourceLines(frames, { confidential: 'none' })).toEqual(frames.map(() => undefined));
});

test('what is confidential stays out', () => {
  const folder = folderOf({ 'app.ts': 'code', 'shared.tpl': 'shared', 'private.tpl': 'private' });
  const files = ['app.ts', 'shared.tpl', 'private.tpl'].map((name) => join(folder, name));
  for (const file of files) chmodSync(file, 0o600);
  chmodSync(files[1] as string, 0o644);
  const frames = files.map((file) => frame(file, 1));
  expect(sourceLines(frames, { confidential: 'default' })).toEqual(['code', 'shared', undefined]);
  expect(sourceLines(frames)).toEqual(['code', 'shared', undefined]);
  expect(sourceLines(frames, { confidential: 'none' })).toEqual(['code', 'shared', 'private']);
  expect(sourceLines(frames, { confidential: 'all' })).toEqual(frames.map(() => undefined));
});

test('a file that has changed since the recording has other lines', () => {
  const folder = folderOf({ 'a.js': 'old' });
  const file = join(folder, 'a.js');
  utimesSync(file, 1000, 1000);
  expect(sourceLines([frame(file, 1)], { endedAtMs: 1_000_000 })).toEqual(['old']);
  expect(sourceLines([frame(file, 1)], { endedAtMs: 900_000 })).toEqual([undefined]);
});

test('of a very long line only what is near the column', () => {
  const text = Array.from({ length: 1000 }, (_, i) => `f${i}();`).join('');
  const file = join(folderOf({ 'min.js': text }), 'min.js');
  const at = text.indexOf('f500()');
  const [first, near] = sourceLines([frame(file, 1, 1), frame(file, 1, at + 1)]);
  expect(first).toMatch(/^f0\(\);.{150,160}…$/);
  expect(near).toMatch(/^….{30,40}f500\(\);.*…$/);
  expect((near ?? '').length).toBeLessThan(170);
});
