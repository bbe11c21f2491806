// SPDX-License-Identifier: MIT
// What holds for every report: data on request, nothing else on stdout, quiet pipes, one line for what goes wrong, exit codes.
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CommandEntry, commands } from '../../ts/cli/commands.js';
import type { OptionName } from '../../ts/cli/options.js';
import { cli, finish, memtape } from '../support/memtape.js';

/** These make captures; all others read them. */
const WRITERS = ['run', 'env', 'finalize'];
const reports = commands
  .filter(({ name }) => !WRITERS.includes(name))
  .map((entry): [string, CommandEntry] => [entry.name, entry]);

/** Its arguments, for a capture of this name; to stdout. */
function call({ name, options }: CommandEntry, file: string): string[] {
  const file2 = name === 'diff' ? [file] : [];
  const format = name === 'transform' ? ['collapsed'] : [];
  const stdout = options.includes('output') ? ['-o', '-'] : [];
  return [name, ...stdout, ...format, file, ...file2];
}

/** Rows of fields (RFC 4180). */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n|$)/gy;
  while (field.lastIndex < text.length) {
    const at = field.lastIndex;
    const found = field.exec(text);
    if (found === null) throw new Error(`no CSV at ${at}: ${text.slice(at, at + 80)}`);
    row.push(found[1]?.replaceAll('""', '"') ?? found[2] ?? '');
    if (found[3] === ',') continue;
    rows.push(row);
    row = [];
  }
  return rows;
}

const APP = `const kept = [];
for (let i = 0; i < 20; i++) kept.push(Buffer.alloc(100_003));
`;
let cwd = '';

beforeAll(() => {
  cwd = realpathSync(mkdtempSync(join(tmpdir(), 'memtape-matrix-')));
  writeFileSync(join(cwd, 'app.js'), APP);
  writeFileSync(join(cwd, 'a.js'), 'console.log(1);'.repeat(20));
  const { status, stderr } = memtape(['run', '-q', '-o', 'a.bin', 'app.js'], { cwd });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});
afterAll(() => rmSync(cwd, { recursive: true }));

test('there are so many reports', () => expect(reports.length).toBeGreaterThanOrEqual(9));

describe.each(reports)('memtape %s', (name, entry) => {
  const takes = (option: OptionName) => entry.options.includes(option);
  const report = (...options: string[]) => {
    const [, ...args] = call(entry, 'a.bin');
    return memtape([name, ...options, ...args], { cwd });
  };
  /** The same in a shell, for its redirections. */
  const shell = (line: (command: string) => string) => {
    const command = [process.execPath, cli, ...call(entry, 'a.bin')];
    return finish('bash', ['-c', line(command.map((word) => `'${word}'`).join(' '))], {
      cwd,
    });
  };

  test('prints the report on stdout and nothing else', () => {
    const { status, stdout, stderr } = report();
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^ *\S.*\n/);
    expect(stdout).not.toContain('\x1b');
  });

  // What transform writes is data already.
  test.runIf(name !== 'transform')('--json', () => {
    expect(takes('json')).toBe(true);
    const { status, stdout, stderr } = report('--json');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.endsWith('\n')).toBe(true);
    const texts = name === 'parse' ? stdout.trimEnd().split('\n') : [stdout];
    for (const text of texts) expect(Object.keys(JSON.parse(text)).length).toBeGreaterThan(1);
  });

  // Records are of many kinds, each with fields of its own.
  test.runIf(name !== 'transform' && name !== 'parse')('--csv', () => {
    expect(takes('csv')).toBe(true);
    const { status, stdout, stderr } = report('--csv');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const [columns = [], ...rows] = parseCsv(stdout);
    expect(columns.length).toBeGreaterThan(2);
    for (const column of columns) expect(column).toMatch(/^[a-z_]+$/);
    expect(new Set(columns).size).toBe(columns.length);
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.filter((row) => row.length !== columns.length)).toEqual([]);
    expect(report('--json', '--csv')).toMatchObject({ status: 2, stdout: '' });
  });

  test('ends without a word when nobody reads it', () => {
    const { stdout, stderr } = shell((command) => `${command} | true; echo "\${PIPESTATUS[0]}"`);
    expect({ stdout, stderr }).toEqual({ stdout: '0\n', stderr: '' });
  });

  test('says that the disk is full', () => {
    const { status, stderr } = shell((command) => `${command} > /dev/full`);
    expect(stderr).toBe('memtape: standard output: the disk is full\n');
    expect(status).toBe(1);
  });

  test.each([
    ['no.bin', 'no such file'],
    ['a.js', 'not a memtape capture'],
  ])('of %s is one line, a hint, and exit code 1', (file, message) => {
    const { status, stdout, stderr } = memtape(call(entry, file), { cwd });
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^memtape: .*\nhint: .*\n$/);
    expect(stderr).toContain(`memtape: ${file}: `);
    expect(stderr).toContain(message);
  });

  test('without a capture, or with one too many, is wrong use', () => {
    const args = call(entry, 'a.bin');
    // Of several processes each has one; the same one again is a mistake.
    const more = entry.usage.endsWith('<capture>...') ? 'a.bin' : 'more.bin';
    for (const wrong of [args.slice(0, -1), [...args, more]]) {
      const { status, stdout, stderr } = memtape(wrong, { cwd });
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expect(stderr).toMatch(/^memtape: .*\nhint: .*\n$/);
    }
  });
});
