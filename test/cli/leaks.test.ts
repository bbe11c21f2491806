// SPDX-License-Identifier: MIT
// memtape leaks on programs that leak, fill a cache, and fragment.
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LeaksReport } from '../../ts/report/leaks.js';
import { memtape, top } from '../support/memtape.js';

const PROGRAMS = join(top, 'test/programs/growth');
const BUFFER = 20_003;

let cwd = '';
beforeAll(() => {
  cwd = realpathSync(mkdtempSync(join(tmpdir(), 'memtape-leaks-')));
});
afterAll(() => rmSync(cwd, { recursive: true }));

/** Returns what it printed: when its own work began, in seconds, and perhaps how much it kept. */
function record(
  name: string,
  ...args: string[]
): { readonly start: string; readonly kept: number } {
  const program = [process.execPath, '--expose-gc', join(PROGRAMS, `${name}.mjs`), ...args];
  const { status, stdout, stderr } = memtape(
    ['run', '-q', '-f', '-o', `${name}.bin`, '--', ...program],
    { cwd },
  );
  expect(stderr).toBe('');
  expect(status).toBe(0);
  const [start = '', kept] = stdout.split('\n');
  return { start: `${start}s`, kept: Number(kept) };
}

const leaks = (...args: string[]) => memtape(['leaks', ...args], { cwd });
const report = (...args: string[]) => JSON.parse(leaks('--json', ...args).stdout) as LeaksReport;

describe('memtape leaks', () => {
  test('calls a Map that grows a leak, and names it', () => {
    const { start, kept } = record('leak');
    expect(kept).toBeGreaterThanOrEqual(2000);
    const found = report('--from', start, 'leak.bin');
    expect(found.why[0]).toMatch(/^Live memory still grows at the end/);
    expect(found.verdict).toBe('leak');
    expect(found.full_gcs).toBeGreaterThanOrEqual(20);
    const [row] = found.rows;
    expect(row).toMatchObject({ function: 'remember', line: 10, trend: 'growing' });
    expect(row?.file).toMatch(/growth\/leak\.mjs$/);
    // Less what came after the last collection and at the very end.
    expect(row?.survived_bytes).toBeGreaterThan(0.8 * kept * BUFFER);
    expect(row?.survived_bytes).toBeLessThan(kept * (BUFFER + 1000));
    expect((row?.survived_bytes ?? 0) / BUFFER).toBeGreaterThan(1);
    const garbage = found.rows.find((each) => each.function === 'serve');
    expect(garbage?.trend ?? 'steady').not.toBe('growing');
  });

  test('calls a cache that fills warm-up', () => {
    const { start } = record('cache');
    const found = report('--from', start, 'cache.bin');
    expect(found.why[0]).toMatch(/^Growth has stopped/);
    expect(found.verdict).toBe('warm-up');
    const row = found.rows.find((each) => each.function === 'remember');
    expect(row?.trend).toBe('flattened');
    expect(row?.growth_bytes).toBeGreaterThan(0.85 * 600 * BUFFER);
    expect(row?.growth_bytes).toBeLessThan(600 * (BUFFER + 1000));
  });

  test('calls gaps that nothing fits in fragmentation', () => {
    const { start } = record('fragment');
    const found = report('--from', start, 'fragment.bin');
    expect(found.why[0]).toMatch(/^RSS is [\d.]+MB above everything that is allocated/);
    expect(found.verdict).toBe('fragmentation');
    const row = found.rows.find((each) => each.function === 'burst');
    const kept = (30_000 / 20) * 2_000 + (1_500 / 20) * 42_000;
    expect(row?.survived_bytes).toBeGreaterThanOrEqual(kept);
    expect(row?.survived_bytes).toBeLessThan(kept * 1.1);
  });
});

test('time in which the process stood still does not count', () => {
  const { start, kept } = record('leak', '3');
  const found = report('--from', start, 'leak.bin');
  expect(found.stood_still_ms).toBeGreaterThan(2000);
  expect(found.notes[0]).toMatch(/^For \d+\.\d s in all nothing was recorded, not even a sample/);
  expect(found.verdict).toBe('leak');
  const ranSeconds = (found.to_ms - found.from_ms - found.stood_still_ms) / 1000;
  const [row] = found.rows;
  expect(row).toMatchObject({ function: 'remember', trend: 'growing' });
  const rate = (kept * BUFFER) / ranSeconds;
  expect((row?.bytes_per_second ?? 0) / rate).toBeGreaterThan(0.7);
  expect((row?.bytes_per_second ?? 0) / rate).toBeLessThan(1.3);
});

describe('what it prints', () => {
  beforeAll(() => record('leak'));

  test('begins with the verdict and its reasons', () => {
    const { stdout, status } = leaks('-r', '2', 'leak.bin');
    expect(status).toBe(0);
    const lines = stdout.split('\n');
    expect(lines[0]).toMatch(/^\S+ from 0 to [\d.]+ s$/);
    expect(stdout).toMatch(/full collections ended in this time/);
    expect(stdout).toMatch(/^ +Growth +A second +Survived +Live +Mean age +Trend +Location$/m);
    expect(stdout).toMatch(/remember at .*leak\.mjs:10$/m);
    expect(stdout).toMatch(/^\d+ more rows; --max-rows shows them\.$/m);
    expect(stdout).toMatch(/^Age of live blocks:$/m);
    expect(leaks('--csv', 'leak.bin').stdout).toMatch(/^function,file,line,.*\nremember,/);
  });

  test('covers a part of the run', () => {
    const all = report('leak.bin');
    const middle = all.to_ms / 1000 / 2;
    const half = report('--from', `${middle}s`, 'leak.bin');
    expect(half.from_ms).toBeCloseTo(middle * 1000, 0);
    const [row] = half.rows;
    expect(row?.function).toBe('remember');
    expect(row?.survived_bytes).toBeLessThan(all.rows[0]?.survived_bytes ?? 0);
    // What was born before the range is live all the same.
    expect(row?.live_bytes).toBeGreaterThan(row?.survived_bytes ?? 0);
  });

  test('says which marks there are when the range does not exist', () => {
    expect(leaks('--from', 'warm', 'leak.bin')).toMatchObject({
      status: 2,
      stdout: '',
      stderr: "memtape: the capture ends before mark 'warm'\nhint: it has no marks\n",
    });
    expect(leaks('--to', '2h', 'leak.bin').stderr).toContain('the capture has no 7200 s');
    expect(leaks('nosuch.bin')).toMatchObject({ status: 1, stdout: '' });
  });
});
