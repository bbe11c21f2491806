// SPDX-License-Identifier: MIT
// Programs whose resident memory is of a known kind: the parts add up to RSS at every look, and the verdict is right.
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { openCapture } from '../../ts/capture/open-capture.js';
import type { Consumer } from '../../ts/decode/consumer.js';
import { readCapture } from '../../ts/decode/read-capture.js';
import type { RssRecord, SampleRecord } from '../../ts/format/records.js';
import type { RssExplained, RssKind, RssReport } from '../../ts/report/rss-report.js';
import { folderOf } from '../support/folder.js';
import { checkBundle, finish, memtape } from '../support/memtape.js';
import { nodes } from '../support/nodes.js';
import { buildPrograms, programs, run } from '../support/programs.js';
import { record } from '../support/recording.js';

beforeAll(() => {
  checkBundle();
  buildPrograms();
});

class Looks implements Consumer {
  readonly rss: { look: RssRecord; sample: SampleRecord | undefined }[] = [];
  #sample: SampleRecord | undefined;
  onSample(sample: SampleRecord): void {
    this.#sample = sample;
  }
  onRss(look: RssRecord): void {
    this.rss.push({ look, sample: this.#sample });
  }
}

const sum = (numbers: Iterable<number>): number => [...numbers].reduce((a, b) => a + b, 0);

/** What holds for every capture, and the report. */
async function reportOf(capture: string): Promise<RssReport> {
  const looks = new Looks();
  await readCapture(capture, looks);
  expect(looks.rss.length).toBeGreaterThan(1);
  for (const { look, sample } of looks.rss) {
    expect(sum(look.parts.map(({ bytes }) => bytes))).toBe(look.rss);
    expect(sample?.timeNs).toBe(look.timeNs);
  }
  // The kernel's own sum, once nothing moves any more; its counters lag by some pages for each processor.
  const last = looks.rss.at(-1);
  expectNear(last?.sample?.rss ?? 0, last?.look.rss ?? 0, 3e6);
  const opened = await openCapture(capture);
  const report = await opened.rss();
  await opened.close();
  for (const at of [report.peak, report.end]) {
    expect(sum(at?.rows.map(({ bytes }) => bytes) ?? [])).toBe(at?.rss);
    for (const { bytes, details } of at?.rows ?? []) {
      if (details.length > 0) expect(sum(details.map((detail) => detail.bytes))).toBe(bytes);
      expect(bytes).toBeGreaterThanOrEqual(0);
    }
    for (const arena of at?.arenas ?? []) {
      const { resident, live, overhead, fragments, free, unknown } = arena;
      expect(live + overhead + fragments + free + unknown).toBe(resident);
    }
  }
  const { kinds, rss } = report.series;
  for (const [i, bytes] of rss.entries()) {
    expect(sum(Object.values(kinds).map((column) => column[i] ?? 0))).toBe(bytes);
  }
  return report;
}

const bytesOf = (at: RssExplained | null, kind: RssKind): number =>
  at?.rows.find((row) => row.kind === kind)?.bytes ?? 0;

/** Relative to what is wanted, for memory that the C library and the loader need besides. */
function expectNear(bytes: number, wanted: number, tolerance: number): void {
  expect(Math.abs(bytes - wanted), `${bytes} instead of ${wanted}`).toBeLessThan(tolerance);
}

interface Known {
  readonly live: number;
  readonly givenBack: number;
  readonly free: number;
}

async function program(...args: string[]): Promise<{ report: RssReport; known: Known }> {
  const folder = folderOf({});
  const { capture, stdout } = record(programs.rss, args, { folder });
  return { report: await reportOf(capture), known: JSON.parse(stdout) as Known };
}

const trimmed = (kind: string): Known =>
  JSON.parse(run(programs.rss, [kind, 'trim']).stdout) as Known;

describe('a C program', () => {
  test('that frees nine blocks of ten is fragmented', async () => {
    const { report, known } = await program('fragments');
    const { end } = report;
    expect(end?.verdict).toBe('fragmentation');
    // The list of its blocks, stdio's buffers.
    expectNear(bytesOf(end, 'blocks'), known.live + 800_000, 100_000);
    expectNear(bytesOf(end, 'fragments') + bytesOf(end, 'free'), known.free, 500_000);
    expectNear(bytesOf(end, 'free'), trimmed('fragments').givenBack, 2e6);
    expect(end?.why.join(' ')).toMatch(/in the main arena/);
  });

  test('that keeps one block above all that it freed would get it back from malloc_trim', async () => {
    const { report, known } = await program('retained');
    expect(report.end?.verdict).toBe('retained');
    expectNear(bytesOf(report.end, 'free'), trimmed('retained').givenBack, 1e6);
    expectNear(bytesOf(report.end, 'fragments') + bytesOf(report.end, 'free'), known.free, 500_000);
    expect(report.end?.why.join(' ')).toMatch(/malloc_trim\(0\) would give back \d+\.\d+MB/);
  });

  test('that frees nothing has live blocks', async () => {
    const { report, known } = await program('blocks');
    expect(report.end?.verdict).toBe('blocks');
    expectNear(bytesOf(report.end, 'blocks'), known.live + 800_000, 100_000);
    // A block of 1000 bytes takes 1008.
    expectNear(bytesOf(report.end, 'overhead'), 800_000, 50_000);
    const blocks = report.end?.rows.find(({ kind }) => kind === 'blocks');
    expect(blocks?.details[0]?.name).toBe('rss');
  });

  test('has in RSS what it has touched of its blocks', async () => {
    const { report, known } = await program('untouched');
    expectNear(report.end?.live_bytes ?? 0, known.live + 800_000, 100_000);
    expectNear(report.end?.live_untouched ?? 0, 512 * 2 ** 20, 100_000);
    expectNear(bytesOf(report.end, 'blocks'), 100_800_000, 200_000);
  });

  test('with threads that fragment names their arenas', async () => {
    const { report } = await program('arenas');
    const { end } = report;
    expect(end?.verdict).toBe('fragmentation');
    const large = end?.arenas.filter(({ resident }) => resident > 20e6) ?? [];
    expect(large).toHaveLength(3);
    for (const { live } of large) expectNear(live, 3_334_000, 10_000);
    const names = large.map(({ arena }) => arena);
    expect(end?.why.join(' ')).toContain(`in arenas ${names[0]}, ${names[1]} and ${names[2]} of 4`);
    expect(end?.advice.join(' ')).toContain('MALLOC_ARENA_MAX');
  });

  test('with deep stacks', async () => {
    const { report } = await program('stacks');
    expect(report.end?.verdict).toBe('stacks');
    expectNear(bytesOf(report.end, 'stacks'), 3 * 11 * 2 ** 20, 500_000);
    const stacks = report.end?.rows.find(({ kind }) => kind === 'stacks');
    expect(stacks?.details[0]?.name).toBe('threads that allocate nothing');
  });

  test('with anonymous mappings of its own', async () => {
    const { report } = await program('mapping');
    expect(report.end?.verdict).toBe('mappings');
    expectNear(bytesOf(report.end, 'mappings'), 64 * 2 ** 20, 100_000);
    expect(report.end?.why.join(' ')).toContain('map');
  });

  test('with a mapped file', async () => {
    const file = join(folderOf({}), 'mapped');
    const { report } = await program('file', file);
    expect(report.end?.verdict).toBe('files');
    expectNear(bytesOf(report.end, 'files'), 64 * 2 ** 20, 500_000);
    expect(report.end?.why.join(' ')).toContain(file);
  });
});

describe.each(nodes())('on Node.js $version', ({ path }) => {
  async function script(source: string, ...options: string[]): Promise<RssReport> {
    const folder = folderOf({ 'app.mjs': source });
    const args = [...options, join(folder, 'app.mjs')];
    const { capture, status } = record(path, args, { folder });
    expect(status).toBe(0);
    return reportOf(capture);
  }

  test('Buffers are live blocks', async () => {
    const { end } = await script(
      'globalThis.kept = Array.from({ length: 150 }, () => Buffer.alloc(1e6, 1));',
    );
    expect(end?.verdict).toBe('blocks');
    expect(bytesOf(end, 'blocks')).toBeGreaterThan(150e6);
    expect(bytesOf(end, 'blocks')).toBeLessThan(165e6);
  });

  test("objects are V8's heap", async () => {
    const { end } = await script(
      `globalThis.kept = Array.from({ length: 4e6 }, (_, i) => ({ i }));
       gc();`,
      '--expose-gc',
    );
    expect(end?.verdict).toBe('v8-objects');
    expect(bytesOf(end, 'v8_heap')).toBeGreaterThan(100e6);
  });

  test('what a Tracker does not know it does not call free', async () => {
    const folder = folderOf({
      'app.mjs': `import { Tracker } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)};
        const before = Array.from({ length: 40_000 }, () => Buffer.allocUnsafeSlow(1000).fill(1));
        const tracker = new Tracker('app.bin');
        globalThis.kept = [before, Array.from({ length: 40 }, () => Buffer.alloc(1e6, 1))];
        tracker.stop();`,
    });
    const { status, stderr } = finish(path, [join(folder, 'app.mjs')], { cwd: folder });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const report = await reportOf(join(folder, 'app.bin'));
    expect(bytesOf(report.end, 'free') + bytesOf(report.end, 'fragments')).toBe(0);
    expectNear(bytesOf(report.end, 'blocks'), 40e6, 4e6);
    expect(report.notes.join(' ')).toContain('Recording began while the program ran');
  });
});

test('memtape rss prints it, as text and as data', async () => {
  const folder = folderOf({});
  const { capture } = record(programs.rss, ['arenas'], { folder });
  const text = memtape(['rss', capture]);
  expect(text.status).toBe(0);
  expect(text.stdout).toMatch(/^fragmentation at (?:its highest and at )?the end, /m);
  expect(text.stdout).toMatch(/^F freed, between live blocks +\d+\.\d+MB +\d+%/m);
  expect(text.stdout).toMatch(/^ *Arena +Resident/m);
  const report = JSON.parse(memtape(['rss', '--json', capture]).stdout) as RssReport;
  expect(report.end?.verdict).toBe('fragmentation');
  const csv = memtape(['rss', '--csv', capture]).stdout.split('\n');
  expect(csv[0]).toBe('moment,time_ms,kind,name,bytes');
  const end = csv.filter((line) => /^end,[\d.]+,\w+,,/.test(line));
  expect(sum(end.map((line) => Number(line.split(',').at(-1))))).toBe(report.end?.rss);
  const page = join(folder, 'rss.html');
  const written = memtape(['rss', '-o', page, capture]);
  expect(written).toMatchObject({ status: 0, stdout: '' });
  expect(written.stderr).toContain(`wrote ${page}`);
});
