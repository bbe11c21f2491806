// SPDX-License-Identifier: MIT
// Exports of a real recording, each opened by the program that it is for: totals are memtape's own.
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
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StatsReport } from '../../ts/report/stats-report.js';
import { ReportBrowser } from '../html/browser.js';
import {
  devToolsHeapProfile,
  devToolsTrace,
  goPprof,
  gprof2dotTotals,
  infernoTitles,
  noGo,
  noGprof2dot,
  noInferno,
  noSpeedscope,
  speedscopePage,
} from '../support/consumers.js';
import { memtape } from '../support/memtape.js';
import { traceEventProblems } from '../support/trace-event-format.js';

const slice = (ts: number, dur: number) => ({
  ph: 'X',
  name: 'gc',
  cat: 'gc',
  pid: 1,
  tid: 1,
  ts,
  dur,
});
const withEvents = (...more: readonly unknown[]) => ({
  displayTimeUnit: 'ms',
  otherData: {},
  traceEvents: [
    { ph: 'M', name: 'process_name', pid: 1, tid: 0, args: { name: 'node' } },
    { ph: 'M', name: 'thread_name', pid: 1, tid: 1, args: { name: 'main' } },
    ...more,
  ],
});

test.each([
  [[slice(0, 10), slice(2, 8), slice(10, 5)], []],
  [[slice(0, 10), slice(5, 10)], ['thread 1: gc ends in the middle of gc']],
  [[{ ...slice(0, 1), tid: 7 }], ['thread 7: no name']],
  [[{ ...slice(0, 1), dur: -1 }], [expect.stringContaining('traceEvents,2,dur')]],
  [
    [{ ph: 'C', name: 'heap', pid: 1, tid: 0, ts: 0, args: { bytes: null } }],
    [expect.stringContaining('args,bytes')],
  ],
])('%j is as the format says, or not', (events, problems) => {
  expect(traceEventProblems(withEvents(...events))).toEqual(problems);
});

const APP = `const kept = [];
function grow() {
  for (let i = 0; i < 20; i++) kept.push(Buffer.alloc(1_000_003));
}
grow();
setTimeout(() => {
  kept.length = 5;
  gc();
}, 50);
`;

let cwd = '';
let stats: StatsReport;
let temporaryBytes = 0;

beforeAll(() => {
  cwd = realpathSync(mkdtempSync(join(tmpdir(), 'memtape-transform-')));
  writeFileSync(join(cwd, 'app.js'), APP);
  const { stderr } = memtape(['run', '-o', 'a.bin', '--', 'node', '--expose-gc', 'app.js'], {
    cwd,
  });
  expect(stderr).toContain('exited with code 0');
  stats = JSON.parse(memtape(['stats', '--json', 'a.bin'], { cwd }).stdout);
  const soon = memtape(['summary', '--json', '--temporary-allocations', 'a.bin'], { cwd }).stdout;
  temporaryBytes = JSON.parse(soon).total_bytes;
  expect(new Set([stats.peak_memory, stats.leaked_bytes, temporaryBytes]).size).toBe(3);
});

afterAll(() => rmSync(cwd, { recursive: true }));

/** The path of an export, made unless it is there. */
function exported(format: string, file: string, ...options: string[]): string {
  const path = join(cwd, file);
  if (existsSync(path)) return path;
  const { status, stdout, stderr } = memtape(['transform', format, ...options, 'a.bin'], { cwd });
  expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  expect(stderr).toContain(`memtape: wrote ${file}; open it with: `);
  return path;
}

const named = (title: string, missing: string | null) =>
  missing === null ? title : `${title} (skipped: ${missing})`;

describe('go tool pprof', () => {
  const read = (...options: string[]): number => {
    const text = goPprof('-top', '-unit=B', '-nodecount=1', ...options);
    return Number(
      /Total samples = (\d+)B?$/m.exec(text)?.[1] ?? /of (\d+)B? total/.exec(text)?.[1],
    );
  };

  test.skipIf(noGo)(named('reads the same totals', noGo), () => {
    const peak = exported('pprof', 'memtape-pprof-a.pb.gz');
    expect(read(peak)).toBe(stats.peak_memory);
    expect(read('-sample_index=alloc_space', peak)).toBe(stats.total_bytes_allocated);
    const leaks = exported('pprof', 'memtape-pprof-leaks-a.pb.gz', '--leaks');
    expect(read('-sample_index=inuse_space', leaks)).toBe(stats.leaked_bytes);
    const soon = 'memtape-pprof-temporary-a.pb.gz';
    expect(read(exported('pprof', soon, '--temporary-allocations'))).toBe(temporaryBytes);
  });

  test.skipIf(noGo)(named('knows functions, lines, threads and build ids', noGo), () => {
    const file = exported('pprof', 'memtape-pprof-a.pb.gz');
    const grow = goPprof('-peek=^grow ', '-lines', '-unit=B', file);
    const [, total = '0'] = /\s(\d+)B\s+[\d.]+%\s+\|?\s+grow .*app\.js:3/.exec(grow) ?? [];
    expect(Number(total)).toBeGreaterThanOrEqual(20 * 1_000_003);
    expect(goPprof('-tags', file)).toMatch(/thread: Total(?:.|\n)*: main$/m);
    const raw = goPprof('-raw', file);
    const [first = ''] = /(?<=^Mappings\n).*$/m.exec(raw) ?? [];
    expect(first).toMatch(/^\d+: 0x[0-9a-f]+\/0x[0-9a-f]+\/0x0 \S*node [0-9a-f]{40} \[FN\]/);
  });
});

describe('gprof2dot', () => {
  test.skipIf(noGprof2dot)(named('reads its JSON', noGprof2dot), () => {
    const { total, own } = gprof2dotTotals(
      'json',
      exported('gprof2dot', 'memtape-gprof2dot-a.json'),
    );
    expect(total).toBe(stats.peak_memory);
    const sum = Object.values(own).reduce((a, b) => a + b, 0);
    expect(sum).toBe(stats.peak_memory);
  });

  test.skipIf(noGprof2dot)(named('reads collapsed stacks', noGprof2dot), () => {
    const file = exported('collapsed', 'memtape-collapsed-leaks-a.txt', '--leaks');
    expect(gprof2dotTotals('collapse', file).total).toBe(stats.leaked_bytes);
  });
});

describe('inferno-flamegraph', () => {
  const bytesOf = (title = '') =>
    Number(/ \(([\d,]+) bytes, /.exec(title)?.[1]?.replaceAll(',', ''));

  test.skipIf(noInferno)(named('draws collapsed stacks with the same totals', noInferno), () => {
    const titles = infernoTitles(exported('collapsed', 'memtape-collapsed-a.txt'));
    const all = titles.find((title) => title.startsWith('all ('));
    expect(bytesOf(all)).toBe(stats.peak_memory);
    const grown = titles.filter((title) => /^grow \(.*app\.js:3\) \(/.test(title)).map(bytesOf);
    expect(grown.reduce((a, b) => a + b, 0)).toBeGreaterThanOrEqual(20 * 1_000_003);
    const leaks = infernoTitles(exported('collapsed', 'memtape-collapsed-leaks-a.txt', '--leaks'));
    expect(bytesOf(leaks.find((title) => title.startsWith('all (')))).toBe(stats.leaked_bytes);
  });
});

describe('in Chromium', () => {
  let browser: ReportBrowser;
  beforeAll(async () => {
    browser = await ReportBrowser.launch();
  });
  afterAll(() => browser.close());

  test.skipIf(noSpeedscope)(named('speedscope reads both profiles', noSpeedscope), async () => {
    const file = exported('speedscope', 'memtape-speedscope-a.speedscope.json');
    const base64 = readFileSync(file).toString('base64');
    const script = join(cwd, 'load.js');
    writeFileSync(script, `speedscope.loadFileFromBase64('a.speedscope.json', '${base64}')`);
    const page = await browser.blank();
    await page.goto(`${pathToFileURL(speedscopePage)}#localProfilePath=${script}&view=sandwich`);
    // What it exports is what it made of what it read.
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByText('Export').click(),
    ]);
    const { profiles } = JSON.parse(readFileSync(await download.path(), 'utf8'));
    expect(profiles).toEqual([
      expect.objectContaining({ name: 'Memory', unit: 'bytes', endValue: stats.peak_memory }),
      expect.objectContaining({ name: 'Allocations', unit: 'none' }),
    ]);
    expect(await page.innerText('body')).toContain('node::NodeArrayBufferAllocator');
  });

  const json = (file: string) => JSON.parse(readFileSync(file, 'utf8'));

  test('the Memory panel of DevTools reads the heap profile', async () => {
    const profile = json(exported('heapprofile', 'memtape-heapprofile-a.heapprofile'));
    const { total, totals } = await devToolsHeapProfile(await browser.blank(), profile);
    expect(total).toBe(stats.peak_memory);
    const grow = totals.filter(([name]) => name === 'grow');
    expect(grow.reduce((sum, [, bytes]) => sum + bytes, 0)).toBeGreaterThan(20 * 1_000_003);
  });

  test('the trace model of DevTools reads the timeline', async () => {
    const trace = json(exported('perfetto', 'memtape-perfetto-a.json'));
    const { pid } = stats.metadata;
    const { counters, entries } = await devToolsTrace(await browser.blank(), trace, pid);
    const heaps = counters.filter(({ name }) => name === 'heap').map(({ args }) => args.bytes);
    expect(Math.max(...heaps)).toBe(stats.peak_memory);
    const rss = counters.filter(({ name }) => name === 'RSS').map(({ args }) => args.bytes);
    expect(Math.max(...rss)).toBe(stats.peak_rss);
    const collections = stats.gc.reduce((sum, { count }) => sum + count, 0);
    expect(collections).toBeGreaterThan(0);
    expect(entries).toHaveLength(collections);
  });
});

describe('memtape transform', () => {
  test('perfetto is as the Trace Event Format says, workers and their collections included', () => {
    expect(
      traceEventProblems(
        JSON.parse(readFileSync(exported('perfetto', 'memtape-perfetto-a.json'), 'utf8')),
      ),
    ).toEqual([]);
    const code = `const { Worker, isMainThread } = require('node:worker_threads');
      if (isMainThread) for (let i = 0; i < 2; i++) new Worker(__filename);
      let kept = [];
      for (let i = 0; i < 300_000; i++) { kept.push({ i }); if (kept.length > 50_000) kept = []; }
      gc();`;
    writeFileSync(join(cwd, 'workers.js'), code);
    memtape(['run', '-q', '-o', 'w.bin', '--', 'node', '--expose-gc', 'workers.js'], { cwd });
    const { stdout } = memtape(['transform', 'perfetto', '-o', '-', 'w.bin'], { cwd });
    const trace = JSON.parse(stdout) as { traceEvents: { ph: string; tid: number }[] };
    expect(traceEventProblems(trace)).toEqual([]);
    const threads = trace.traceEvents.flatMap(({ ph, tid }) => (ph === 'X' ? [tid] : []));
    expect(new Set(threads).size).toBe(3);
  });

  test('csv has every byte in its rows', () => {
    const lines = readFileSync(exported('csv', 'memtape-csv-a.csv'), 'utf8').trimEnd().split('\n');
    const sizes = lines.slice(1).map((line) => Number(line.split(',')[2]));
    expect(sizes.reduce((a, b) => a + b, 0)).toBe(stats.peak_memory);
  });

  test('-o - is standard output', () => {
    const { status, stdout, stderr } = memtape(['transform', 'collapsed', '-o', '-', 'a.bin'], {
      cwd,
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const sizes = stdout
      .trimEnd()
      .split('\n')
      .map((line) => Number(/ (\d+)$/.exec(line)?.[1]));
    expect(sizes.reduce((a, b) => a + b, 0)).toBe(stats.peak_memory);
  });

  test('overwrites only with -f, and says nothing with -q', () => {
    const args = ['transform', 'csv', '-q', '-o', 'b.csv', 'a.bin'];
    expect(memtape(args, { cwd })).toMatchObject({ status: 0, stdout: '', stderr: '' });
    expect(memtape(args, { cwd })).toMatchObject({ status: 1 });
    expect(memtape([...args, '-f'], { cwd })).toMatchObject({ status: 0, stderr: '' });
  });

  test.each([
    [['transform'], 'no format given', 'gprof2dot, csv, speedscope'],
    [['transform', 'a.bin'], 'there is no format "a.bin"', 'formats: gprof2dot'],
    [['transform', 'speedscop', 'a.bin'], 'there is no format', 'did you mean speedscope?'],
    [['transform', 'toString', 'a.bin'], 'there is no format', 'formats: '],
    [['transform', 'csv'], 'no capture given', 'memtape transform csv memtape-app.1234.bin'],
    [['transform', 'perfetto', '--leaks', 'a.bin'], 'shows the whole run', 'speedscope'],
  ])('%s: one line, a hint, exit code 2', (args, message, hint) => {
    const { status, stdout, stderr } = memtape(args, { cwd });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    const [first, second, ...rest] = stderr.split('\n');
    expect(first).toContain(message);
    expect(second).toContain(hint);
    expect(rest).toEqual(['']);
  });
});
