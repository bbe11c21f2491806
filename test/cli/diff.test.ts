// SPDX-License-Identifier: MIT
// memtape diff on recordings of a program that was changed.
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DiffReport } from '../../ts/report/diff.js';
import { memtape } from '../support/memtape.js';

const SIZE = 1_000_003;
const program = (grow: number, last: string, shift: string) => `${shift}const kept = [];
function grow() {
  for (let i = 0; i < ${grow}; i++) kept.push(Buffer.alloc(${SIZE}));
}
function ${last}() {
  kept.push(Buffer.alloc(3_000_000));
}
grow();
${last}();
`;

let cwd = '';
beforeAll(() => {
  cwd = realpathSync(mkdtempSync(join(tmpdir(), 'memtape-diff-')));
  for (const [name, text] of [
    ['before', program(10, 'old', '')],
    ['after', program(14, 'fresh', '// a line\n// another\n')],
  ] as const) {
    writeFileSync(join(cwd, 'app.js'), text);
    expect(memtape(['run', '-q', '-o', `${name}.bin`, 'app.js'], { cwd }).status).toBe(0);
  }
});
afterAll(() => rmSync(cwd, { recursive: true }));

const diff = (...args: string[]) => memtape(['diff', ...args], { cwd });

describe('memtape diff', () => {
  test('says what grew, is new and is gone, to the block', () => {
    const { status, stdout } = diff('--json', 'before.bin', 'after.bin');
    expect(status).toBe(0);
    const report = JSON.parse(stdout) as DiffReport;
    const row = (name: string) => report.rows.find((each) => each.function === name);
    expect(row('grow')).toMatchObject({ status: 'grew', line_before: 3, line_after: 5 });
    expect(Math.abs((row('grow')?.bytes_change ?? 0) - 4 * SIZE)).toBeLessThan(2000);
    expect(row('fresh')).toMatchObject({ status: 'new', line_before: null, bytes_before: 0 });
    expect(row('old')).toMatchObject({ status: 'gone', line_after: null, bytes_after: 0 });
    expect(report.bytes_change).toBe(report.bytes_after - report.bytes_before);
  });

  test('prints a table and CSV of the same rows', () => {
    const text = diff('-r', '3', 'before.bin', 'after.bin').stdout.split('\n');
    expect(text[0]).toMatch(/^Heap at the peak: \d.*MB before, \d.*MB after, \+4\.\d+MB \(\+/);
    expect(text[3]).toMatch(/\+4\.\d+MB +10\.\d+MB +14\.\d+MB +\+40\.0% {2}grow at .*app\.js:3→5$/);
    const csv = diff('--csv', '-r', '3', 'before.bin', 'after.bin').stdout.trimEnd().split('\n');
    expect(csv).toHaveLength(4);
    expect(csv[1]).toMatch(/^grew,grow,.*app\.js,3,5,/);
  });

  test.each([
    ['10%', 1],
    ['1MB', 1],
    ['90%', 0],
    ['1GB', 0],
  ])('--fail-on-increase %s exits with %d', (limit, expected) => {
    const { status, stdout, stderr } = diff('--fail-on-increase', limit, 'before.bin', 'after.bin');
    expect(status).toBe(expected);
    expect(stdout).toContain('grow at ');
    if (expected === 0) expect(stderr).toBe('');
    else {
      expect(stderr).toMatch(
        /^memtape: Heap at the peak: .* more than \d.*; \+4\.\d+MB grow \(.*app\.js:5\), \+3\.000MB fresh \(.*\n$/,
      );
    }
  });

  test('never fails on less than before', () => {
    expect(diff('--fail-on-increase', '0%', 'after.bin', 'before.bin').status).toBe(0);
  });

  test('--html writes a page once', () => {
    expect(diff('--html', 'd.html', 'before.bin', 'after.bin').stderr).toBe(
      'memtape: wrote d.html\n',
    );
    expect(readFileSync(join(cwd, 'd.html'), 'utf8')).toMatch(/^<!doctype html>[\s\S]*fresh/i);
    const again = diff('--html', 'd.html', 'before.bin', 'after.bin');
    expect(again).toMatchObject({ status: 1, stdout: '' });
    expect(again.stderr).toContain('d.html');
    expect(diff('--html', 'd.html', '-f', 'before.bin', 'after.bin').status).toBe(0);
  });

  test('wrong use is one line and a hint', () => {
    expect(diff('before.bin')).toMatchObject({
      status: 2,
      stderr: 'memtape: two captures are needed\nhint: memtape diff before.bin after.bin\n',
    });
    const limit = diff('--fail-on-increase', 'much', 'before.bin', 'after.bin');
    expect(limit.status).toBe(2);
    expect(limit.stderr).toContain('It must be a share or a size, such as 5% or 10MB.');
    expect(diff('before.bin', 'nosuch.bin')).toMatchObject({
      status: 1,
      stdout: '',
      stderr:
        'memtape: nosuch.bin: no such file\nhint: `memtape run` says at its end where the capture is\n',
    });
    expect(existsSync(join(cwd, 'nosuch.bin'))).toBe(false);
  });
});
