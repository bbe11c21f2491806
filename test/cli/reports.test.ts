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
    const soon = json(
      cwd,
      'summary',
      '--json',
      '--temporary-allocations',
      'a.bin',
    ).total_allocations;
    const later = json(
      cwd,
      'summary',
      '--json',
      '--temporary-allocation-threshold',
      '100',
      'a.bin',
    );
    expect(soon).toBeGreaterThan(0);
    expect(later.total_allocations).toBeGreaterThan(soon);
  });

  test('table is a page, or the same as data', () => {
    const { cwd } = record();
    const stats = json(cwd, 'stats', '--json', 'a.bin');
    const { rows, total_bytes } = json(cwd, 'table', '--json', 'a.bin');
    expect(total_bytes).toBe(stats.peak_memory);
    const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
    expect(sum(rows.map((row: { bytes: number }) => row.bytes))).toBe(stats.peak_memory);
    expect(rows[0]).toMatchObject({ function: 'grow', line: 3, thread: null });
    const threads = json(cwd, 'table', '--json', '--split-threads', 'a.bin').rows;
    expect(threads[0]).toMatchObject({ function: 'grow', thread: 'main' });
    const csv = memtape(['table', '--csv', '--leaks', 'a.bin'], { cwd }).stdout.split('\n');
    const leaked = csv
      .slice(1, -1)
      .map((line) => Number(/,(\d+),\d+,\d+,\d+,[^,]*$/.exec(line)?.[1]));
    expect(sum(leaked)).toBe(stats.leaked_bytes);

    const { status, stdout, stderr } = memtape(['table', '-f', 'a.bin'], { cwd });
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
    expect(stderr).toMatch(/memtape: wrote memtape-table-a\.html\n$/);
    rmSync(join(cwd, 'memtape-table-a.html'));
  });

  test('as CSV have the numbers of the JSON', () => {
    const { cwd } = record();
    const stats = json(cwd, 'stats', '--json', 'a.bin');
    const lines = memtape(['stats', '--csv', 'a.bin'], { cwd }).stdout.split('\n');
    expect(lines).toContain(`peak_memory,,${stats.peak_memory}`);
    expect(lines).toContain('metadata,exit_code,1');
    const { rows } = json(cwd, 'summary', '--json', 'a.bin');
    const table = memtape(['summary', '--csv', 'a.bin'], { cwd }).stdout.trimEnd().split('\n');
    expect(table[0]).toBe('function,file,line,package,total_bytes,own_bytes,allocations,module');
    expect(table).toHaveLength(rows.length + 1);
    const grow = rows.find((row: { function: string }) => row.function === 'grow');
    const { total_bytes, own_bytes, allocations } = grow;
    const line = `grow,${join(cwd, 'app.js')},3,,${total_bytes},${own_bytes},${allocations},`;
    expect(table).toContain(line);
  });

  test('flamegraph as data: source lines, threads, points of the timeline', () => {
    const { cwd } = record();
    const graph = (...args: string[]) => json(cwd, 'flamegraph', '--json', ...args, 'a.bin');
    const peak = json(cwd, 'stats', '--json', 'a.bin').peak_memory;
    const held = (bytes: number[]) => bytes.reduce((a, b) => a + b, 0);
    const source = ({ frames }: { frames: { name: string; line: number; source?: string }[] }) =>
      frames.find(({ name, line }) => name === 'grow' && line === 3)?.source;
    const whole = graph();
    expect(held(whole.tree.self_bytes)).toBe(peak);
    expect(source(whole)).toBe('for (let i = 0; i < 20; i++) kept.push(Buffer.alloc(1_000_003));');
    expect(source(graph('--confidential-files', 'all'))).toBeUndefined();

    const { tree, frames, timeline } = graph('--split-threads', '--max-memory-records', '8');
    expect(held(tree.self_bytes)).toBe(peak);
    const roots = tree.frame.filter(
      (_: number, node: number) => node > 0 && tree.parent[node] === 0,
    );
    const names = roots.map((id: number) => frames[id].name);
    expect(names).toEqual(expect.arrayContaining(['main', 'mappings']));
    expect(new Set(names).size).toBe(names.length);
    expect(timeline.process.time_ms.length).toBeLessThanOrEqual(8);
    expect(whole.timeline.process.time_ms.length).toBeGreaterThanOrEqual(
      timeline.process.time_ms.length,
    );
  });

  test('flamegraph as rows: each box once, threads apart, upside down', () => {
    const { cwd } = record();
    const { peak_memory: peak } = json(cwd, 'stats', '--json', 'a.bin');
    const rows = (...args: string[]) => {
      const { status, stdout } = memtape(['flamegraph', '--csv', ...args, 'a.bin'], { cwd });
      expect(status).toBe(0);
      const [heading = '', ...lines] = stdout.trimEnd().split('\n');
      expect(heading).toBe(
        'node,parent,depth,function,file,line,package,bytes,own_bytes,allocations,own_allocations,module',
      );
      // The numbers before the module; names may hold commas.
      return lines.map((line) => {
        const [, bytes, own] = /,(\d+),(\d+),\d+,\d+,[^,]*$/.exec(line) ?? [];
        return { line, bytes: Number(bytes), own: Number(own) };
      });
    };
    for (const args of [[], ['--split-threads'], ['--inverted']]) {
      const all = rows(...args);
      expect(all[0]?.bytes).toBe(peak);
      expect(all.reduce((sum, { own }) => sum + own, 0)).toBe(peak);
    }
    expect(rows('--split-threads').some(({ line }) => /^\d+,0,1,main,,0,,/.test(line))).toBe(true);
    expect(rows('--inverted')[1]?.line).toMatch(/^1,0,1,node::NodeArrayBufferAllocator/);
  });

  test('a page folds what does not fit, unless it must not', () => {
    // More stacks than two megabytes hold: each number has a path of its own through these functions.
    const cwd = folderOf({
      'deep.js': `const kept = [];
const steps = [(n, d) => go(n, d), (n, d) => go(n, d), (n, d) => go(n, d), (n, d) => go(n, d)];
function go(n, d) {
  if (d === 0) kept.push(new ArrayBuffer(64));
  else steps[n % 4](n >> 2, d - 1);
}
for (let n = 0; n < 32768; n++) go(n, 8);
`.replaceAll(', (n', ',\n(n'),
    });
    memtape(['run', '-q', '-o', 'deep.bin', 'deep.js'], { cwd });
    const written = (...args: string[]) => {
      const { stderr } = memtape(['table', '-f', '-o', 'page.html', ...args, 'deep.bin'], { cwd });
      return { bytes: statSync(join(cwd, 'page.html')).size, stderr };
    };
    const folded = written();
    expect(folded.bytes).toBeLessThanOrEqual(2_000_000);
    expect(folded.stderr).toMatch(/^memtape: folded \d+ small stacks, [\d.]+MB in all\n/);
    const whole = written('--no-fold');
    expect(whole.stderr).toBe('memtape: wrote page.html\n');
    expect(whole.bytes).toBeGreaterThan(2_000_000);
  }, 60_000);

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
