// SPDX-License-Identifier: MIT
// What the commands say of a real recording.
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { folderOf } from '../support/folder.js';
import { type Finished, finish, memtape } from '../support/memtape.js';

const APP = `const kept = [];
function grow() {
  for (let i = 0; i < 20; i++) kept.push(Buffer.alloc(1_000_003));
}
grow();
setTimeout(() => { throw new RangeError('enough') }, 60);
`;
const BYTES = 20 * 1_000_003;

interface Recorded {
  readonly cwd: string;
  readonly run: Finished;
}

let recorded: Recorded | undefined;

/** The program, recorded once for all tests here. */
function record(): Recorded {
  if (recorded !== undefined) return recorded;
  const cwd = realpathSync(mkdtempSync(join(tmpdir(), 'memtape-reports-')));
  writeFileSync(join(cwd, 'app.js'), APP);
  recorded = { cwd, run: memtape(['run', '-o', 'a.bin', 'app.js'], { cwd }) };
  return recorded;
}

afterAll(() => {
  if (recorded !== undefined) rmSync(recorded.cwd, { recursive: true });
});

const json = (cwd: string, ...args: string[]) => JSON.parse(memtape(args, { cwd }).stdout);

describe('memtape run', () => {
  test('ends with what happened, the numbers, the places and the next command', () => {
    const { run } = record();
    const lines = run.stderr.split('\n').filter((line) => /^(memtape:| {2})/.test(line));
    const from = lines.findIndex((line) => line.startsWith('memtape: node app.js'));
    expect(lines.slice(from).join('\n')).toMatch(
      new RegExp(
        [
          '^memtape: node app\\.js exited with code 1 after an uncaught RangeError: enough after [\\d.]+ s',
          'memtape: peak heap [\\d.]+MB, peak RSS [\\d.]+MB, [\\d.]+MB live at exit, [\\d,]+ allocations',
          '(?:memtape: .*\\n)*memtape: who held the peak',
          ' +20\\.\\d+MB +\\d+%  grow:app\\.js:3 by .*',
        ].join('\\n'),
      ),
    );
    expect(run.stderr).toMatch(/memtape: wrote a\.bin; next: memtape flamegraph a\.bin\n$/);
    expect(run.status).toBe(1);
  });

  test('says nothing with -q', () => {
    const cwd = folderOf({ 'app.js': '' });
    expect(memtape(['run', '-q', 'app.js'], { cwd })).toMatchObject({ stdout: '', stderr: '' });
  });
});

describe('the reports', () => {
  test('agree with the program and with each other', () => {
    const { cwd } = record();
    const stats = json(cwd, 'stats', '--json', '-n', '3', 'a.bin');
    expect(stats.top_allocations_by_size).toHaveLength(3);
    expect(stats.peak_memory).toBeGreaterThanOrEqual(BYTES);
    expect(stats.metadata).toMatchObject({ end: 'exit', exit_code: 1 });
    expect(stats.metadata.command_line).toContain('app.js');

    const summary = json(cwd, 'summary', '--json', 'a.bin');
    const grow = summary.rows.find((row: { function: string }) => row.function === 'grow');
    expect(grow).toMatchObject({ file: join(cwd, 'app.js'), line: 3 });
    expect(grow.total_bytes).toBeGreaterThanOrEqual(BYTES);
    expect(summary.total_bytes).toBe(stats.peak_memory);
    expect(json(cwd, 'summary', '--json', '-r', '2', 'a.bin').rows).toHaveLength(2);

    const leaks = json(cwd, 'summary', '--json', '--leaks', 'a.bin');
    expect(leaks.total_bytes).toBe(stats.leaked_bytes);
    const soon = json(cwd, 'summary', '--json', '--temporary', 'a.bin').total_allocations;
    const later = json(cwd, 'summary', '--json', '--temporary-threshold', '100', 'a.bin');
    expect(soon).toBeGreaterThan(0);
    expect(later.total_allocations).toBeGreaterThan(soon);
  });

  test('as text have no colours in a pipe', () => {
    const { cwd } = record();
    for (const command of ['stats', 'summary']) {
      const { stdout } = memtape([command, 'a.bin'], { cwd, env: { CI: '1', FORCE_COLOR: '' } });
      expect(stdout.split('\n').length).toBeGreaterThan(10);
      expect(stdout).not.toContain('\x1b');
    }
    const own = memtape(['summary', '-s', 'own', 'a.bin'], { cwd }).stdout.split('\n');
    expect(own[0]).toContain('<Own>');
    expect(own[1]).toContain('FastBuffer');
  });

  test('parse prints a line for each record, as text and as JSON', () => {
    const { cwd } = record();
    const text = memtape(['parse', 'a.bin'], { cwd }).stdout.trimEnd().split('\n');
    const lines = memtape(['parse', '--json', 'a.bin'], { cwd }).stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(text.length);
    const types = lines.map((line) => JSON.parse(line).type);
    expect(types).toEqual(text.map((line) => line.split(' ')[0]));
    expect(types).toEqual(expect.arrayContaining(['capture', 'alloc', 'free', 'trailer', 'end']));
  });

  test('flamegraph writes one page beside the capture, or where -o says', () => {
    const { cwd } = record();
    const { status, stdout, stderr } = memtape(['flamegraph', 'a.bin'], { cwd });
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
    expect(stderr).toMatch(/memtape: wrote memtape-flamegraph-a\.html\n$/);
    memtape(['flamegraph', '--leaks', 'a.bin'], { cwd });
    expect(memtape(['flamegraph', '-q', '-o', 'b.html', 'a.bin'], { cwd }).stderr).toBe('');
    expect(readdirSync(cwd).sort()).toEqual(
      ['a.bin', 'app.js', 'b.html', 'memtape-flamegraph-a.html', 'memtape-leaks-a.html'].sort(),
    );
    expect(readFileSync(join(cwd, 'b.html'), 'utf8')).toMatch(/^<!doctype html>[\s\S]*grow/i);
  });
});

describe('memtape finalize', () => {
  test('does what run does, once', () => {
    const cwd = folderOf({ 'app.js': APP });
    const environment = JSON.parse(memtape(['env', '--json', '-o', 'a.bin'], { cwd }).stdout);
    finish(process.execPath, ['app.js'], { cwd, env: environment });
    const before = json(cwd, 'summary', '--json', 'a.bin');
    const bytes = statSync(join(cwd, 'a.bin')).size;

    const { status, stderr } = memtape(['finalize', 'a.bin'], { cwd });
    expect(status).toBe(0);
    expect(stderr).toMatch(/^memtape: a\.bin: \d+ bytes became \d+, with \d+ more names\n$/);
    expect(statSync(join(cwd, 'a.bin')).size).toBeLessThan(bytes);
    expect(memtape(['finalize', 'a.bin'], { cwd }).stderr).toBe(
      'memtape: a.bin was finalized before\n',
    );
    // Names that a report looked up itself are those that are now in the capture.
    expect(json(cwd, 'summary', '--json', 'a.bin')).toEqual(before);
  });
});
