// SPDX-License-Identifier: MIT
// Verdicts on captures whose every byte is known.
import { describe, expect, test } from 'vitest';
import { GrowthAggregator } from '../../ts/aggregate/growth.js';
import { NamedStacks } from '../../ts/model/named-stacks.js';
import { type LeaksReport, leaksReport } from '../../ts/report/leaks.js';
import { lastingFloors, medianSlope, trendOf } from '../../ts/report/leaks-trend.js';
import { CaptureBuilder } from '../model/capture-builder.js';

const SECOND = 1_000_000_000;
const MB = 1_000_000;

interface Service {
  /** What stays, in MB, by time in parts of the whole. */
  readonly kept?: (part: number) => number;
  /** MB that a full collection frees every ten seconds. */
  readonly garbage?: number | ((part: number) => number);
  readonly rss?: (part: number) => number;
  readonly js?: (part: number) => { used: number; total: number };
  readonly collects?: boolean;
}

const LENGTH = 600;

/** A service of ten minutes, a step each second. */
function run(service: Service): LeaksReport {
  const { kept = () => 10, garbage = 0, rss = () => 60, collects = true } = service;
  const capture = new CaptureBuilder();
  const main = capture.js('main', '/app/main.js', 1);
  const keeping = capture.stack([capture.js('remember', '/app/cache.js', 7), main]);
  const wasting = capture.stack([capture.js('serve', '/app/serve.js', 9), main]);
  const growth = new GrowthAggregator({ timeNs: SECOND });
  let id = 1;
  let holds = 0;
  let waste: { block: number; bytes: number }[] = [];
  const wastes = typeof garbage === 'number' ? () => garbage : garbage;
  for (let second = 0; second <= LENGTH; second++) {
    const timeNs = second * SECOND;
    const part = second / LENGTH;
    growth.onTime(timeNs);
    const wanted = Math.round(kept(part) * MB);
    if (wanted > holds) growth.onAlloc(keeping, wanted - holds, 0, 1, id++);
    holds = Math.max(holds, wanted);
    const bytes = Math.round((wastes(part) * MB) / 10);
    if (bytes > 0) {
      waste.push({ block: id, bytes });
      growth.onAlloc(wasting, bytes, 0, 1, id++);
    }
    if (second % 10 === 9 && collects) {
      growth.onGc({ timeNs, thread: 1, gcType: 4, phase: 0 });
      for (const { block, bytes } of waste) growth.onFree(wasting, bytes, 0, 1, block);
      waste = [];
      growth.onGc({ timeNs, thread: 1, gcType: 4, phase: 1 });
      const js = service.js?.(part);
      if (js) {
        const heap = { heapUsed: js.used * MB, heapTotal: js.total * MB };
        const rest = { external: 0, malloced: 0, heapLimit: 0, spaces: [] };
        growth.onJsSample({ timeNs, thread: 1, ...heap, ...rest });
      }
    }
    const zero = { heap: 0, liveBytes: 0, liveBlocks: 0, committed: 0, reserved: 0, file: 0 };
    growth.onSample({ timeNs, rss: rss(part) * MB, ...zero });
  }
  return leaksReport(growth.finish(), new NamedStacks(capture.tables));
}

const rowOf = (report: LeaksReport, name: string) =>
  report.rows.find((row) => row.function === name);

describe('a leak', () => {
  const report = run({
    kept: (part) => 10 + 60 * part,
    garbage: 50,
    rss: (part) => 110 + 60 * part,
  });

  test('is growth that goes on beside any garbage', () => {
    expect(report.verdict).toBe('leak');
    expect(report.why[0]).toMatch(/^Live memory still grows at the end, by \d+\.\d{3}kB a second/);
    expect(report.full_gcs).toBe(60);
    // 60 MB in 600 s.
    expect(report.bytes_per_second).toBeGreaterThan(0.95 * 100_000);
    expect(report.bytes_per_second).toBeLessThan(1.05 * 100_000);
  });

  test('stands at its place, with rate, survivors and age', () => {
    const row = rowOf(report, 'remember');
    expect(row).toMatchObject({ file: '/app/cache.js', line: 7, trend: 'growing' });
    expect(report.rows[0]).toBe(row);
    expect(Math.abs((row?.growth_bytes ?? 0) - 60 * MB)).toBeLessThan(4 * MB);
    expect(Math.abs((row?.bytes_per_second ?? 0) - 100_000)).toBeLessThan(5000);
    expect(row?.live_bytes).toBe(70 * MB);
    // All but what there was before the range and what came after the last collection.
    expect(row?.survived_bytes).toBe(70 * MB - 10 * MB - 0.1 * MB);
    expect(row?.mean_age_ms).toBeGreaterThan(300_000);
    expect(row?.mean_age_ms).toBeLessThan(345_000);
    expect(rowOf(report, 'serve')?.trend ?? 'steady').toBe('steady');
  });

  test('has every live byte in the ages, once', () => {
    const bytes = report.ages.reduce((sum, bin) => sum + bin.bytes, 0);
    expect(bytes).toBe(report.live_bytes);
    for (const [i, bin] of report.ages.entries()) {
      expect(bin.min_ms).toBe(i === 0 ? 0 : report.ages[i - 1]?.max_ms);
    }
  });

  test('begins late and is one all the same', () => {
    expect(run({ kept: (part) => 10 + 80 * Math.max(0, part - 0.4) }).verdict).toBe('leak');
  });
});

describe('not a leak', () => {
  test('a cache that fills is warm-up', () => {
    const report = run({ kept: (part) => 10 + 60 * Math.min(1, part * 2), garbage: 30 });
    expect(report.verdict).toBe('warm-up');
    expect(report.why[0]).toMatch(/^Growth has stopped: its quarters brought [\d.]+MB, [\d.]+MB, /);
    expect(rowOf(report, 'remember')?.trend).toBe('flattened');
    expect(Math.abs(report.growth_bytes - 60 * MB)).toBeLessThan(4 * MB);
  });

  test('a cache that fills ever more slowly is warm-up', () => {
    expect(run({ kept: (part) => 80 * (1 - Math.exp(-6 * part)) }).verdict).toBe('warm-up');
  });

  test('garbage alone is steady', () => {
    const report = run({ garbage: 80, rss: () => 150 });
    expect(report.verdict).toBe('steady');
    expect(report.rows.filter(({ trend }) => trend === 'growing')).toEqual([]);
  });

  test('RSS that grows while what lives does not is fragmentation', () => {
    const report = run({ garbage: 5, rss: (part) => 60 + 90 * part });
    expect(report.verdict).toBe('fragmentation');
    expect(report.why[0]).toMatch(/^RSS is 1\d\d\.\d{3}MB above everything that is allocated/);
  });

  test('RSS that follows a high heap is no fragmentation', () => {
    const kept = (part: number) => 10 + 90 * Math.min(1, part * 3);
    expect(run({ kept, rss: (part) => 50 + kept(part) }).verdict).toBe('warm-up');
  });

  test('RSS that follows ever more garbage is none either', () => {
    const garbage = (part: number) => 10 + 90 * part;
    expect(run({ garbage, rss: (part) => 50 + garbage(part) }).verdict).toBe('steady');
  });

  test("pages that V8 keeps beyond their objects are fragmentation of V8's heap", () => {
    const js = (part: number) => ({ used: 20, total: 25 + 60 * part });
    const report = run({ js });
    expect(report.verdict).toBe('fragmentation');
    expect(report.why[0]).toContain('V8 keeps');
  });
});

describe('what cannot be told', () => {
  test('growth without full collections may be garbage', () => {
    const report = run({ kept: (part) => 10 + 60 * part, collects: false });
    expect(report).toMatchObject({ verdict: 'undecided', full_gcs: 0, survived_bytes: 0 });
  });

  test('a step near the end is no trend', () => {
    expect(run({ kept: (part) => (part < 0.9 ? 10 : 40) }).verdict).toBe('undecided');
  });

  test('nothing can be said of nothing', () => {
    const growth = new GrowthAggregator().finish();
    const report = leaksReport(growth, new NamedStacks(new CaptureBuilder().tables));
    expect(report).toMatchObject({ verdict: 'undecided', rows: [], live_bytes: 0 });
  });
});

describe('the parts', () => {
  test('lasting floors are what is never undercut again', () => {
    expect(lastingFloors([5, 9, 3, 8, 4, 6])).toEqual([3, 3, 3, 4, 4, 6]);
    expect(lastingFloors([Number.NaN, 7, 2])).toEqual([Number.NaN, 2, 2]);
  });

  test('the median slope ignores outliers', () => {
    const points = Array.from({ length: 20 }, (_, i) => ({ timeNs: i * SECOND, bytes: 100 * i }));
    points[3] = { timeNs: 3 * SECOND, bytes: 1_000_000 };
    points[15] = { timeNs: 15 * SECOND, bytes: -1_000_000 };
    expect(medianSlope(points)).toBe(100);
    expect(medianSlope([])).toBe(0);
  });

  test('a trend needs four points', () => {
    const line = (n: number) =>
      Array.from({ length: n }, (_, i) => ({ timeNs: i * SECOND, bytes: i * MB }));
    expect(trendOf(line(3), 1000).kind).toBe('unclear');
    expect(trendOf(line(4), 1000).kind).toBe('growing');
    expect(trendOf(line(10), 1000).quarters).toEqual([2.25 * MB, 2.25 * MB, 2.25 * MB, 2.25 * MB]);
  });
});
