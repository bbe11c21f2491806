// SPDX-License-Identifier: MIT
// Kinds and verdicts from moments whose every byte is known.
import { expect, test } from 'vitest';
import { RssLooks } from '../../ts/aggregate/rss-looks.js';
import { RssMoments } from '../../ts/aggregate/rss-moments.js';
import { LiveBlocks } from '../../ts/decode/live-blocks.js';
import { EXIT_MARK } from '../../ts/format/constants.js';
import type { RssPart } from '../../ts/format/records.js';
import { RSS_KINDS, type RssBreakdown, type RssKind } from '../../ts/report/rss-report.js';
import { rssVerdict } from '../../ts/report/rss-verdict.js';

const PAGE = 4096;
const MB = 1e6;

const part = (name: RssPart['part'], detail: number, bytes: number): RssPart => ({
  part: name,
  detail,
  name: '',
  bytes,
});

test('live blocks are laid over resident pages', () => {
  const blocks = new LiveBlocks();
  blocks.reserve(8);
  const addresses = [0, 10 * PAGE + 16, 12 * PAGE - 8, 20 * PAGE, 31 * PAGE + 5, 12 * PAGE + 64];
  const sizes = [0, 1000, 16, 8 * PAGE, 0, 100];
  for (let id = 1; id < addresses.length; id++) blocks.put(id, id, sizes[id] as number, 0, 1);
  blocks.remove(5);
  const moments = new RssMoments([1]);
  moments.onStart({
    header: {} as never,
    tables: { threads: new Map() } as never,
    blocks,
    address: (id) => addresses[id] ?? 0,
  });
  moments.onRss({ timeNs: 1, rss: 1, parts: [part('arena', 1, 1)] });
  const parts = [part('arena', 1, 6 * PAGE), part('anonymous', 0, 6 * PAGE)];
  moments.onRss({ timeNs: 2, rss: 12 * PAGE, parts });
  // Of the third block two pages are not there, and two are the other part's.
  const runs = [
    { part: 0, page: 10, pages: 4 },
    { part: 0, page: 20, pages: 2 },
    { part: 1, page: 24, pages: 4 },
    { part: 1, page: 30, pages: 2 },
  ];
  moments.onRssPages({ timeNs: 2, runs: runs.slice(0, 2) });
  moments.onRssPages({ timeNs: 2, runs: runs.slice(2) });
  expect(moments.moments).toHaveLength(1);
  const [moment] = moments.moments;
  expect(moment?.liveBytes).toBe(1000 + 16 + 8 * PAGE);
  expect(moment?.parts[0]).toMatchObject({
    live: 1000 + 16 + 2 * PAGE,
    // 1008 for 1000, 32 for 16, 8 pages and 16 for 8 pages.
    overhead: 8 + 16 + 16,
    empty: 1 * PAGE,
  });
  expect(moment?.parts[1]).toMatchObject({ live: 4 * PAGE, overhead: 32, empty: PAGE });
  expect(Object.fromEntries(moment?.liveByStack ?? [])).toEqual({ 1: 1000, 2: 16, 3: 6 * PAGE });
});

test('each block is asked about once, however many records a look has', () => {
  const count = 3000;
  const blocks = new LiveBlocks();
  blocks.reserve(count + 1);
  // Not in the order of their addresses.
  const page = (id: number) => 1 + ((id * 7) % count) * 2;
  for (let id = 1; id <= count; id++) blocks.put(id, id, PAGE, 0, 1);
  let asked = 0;
  const address = (id: number) => {
    asked++;
    return page(id) * PAGE + PAGE / 2;
  };
  const moments = new RssMoments([0]);
  const tables = { threads: new Map() } as never;
  moments.onStart({ header: {} as never, tables, blocks, address });
  moments.onRss({ timeNs: 1, rss: 1, parts: [part('arena', 1, 2 * count * PAGE)] });
  for (let at = 0; at < count; at++) {
    // A record ends in the middle of each block.
    const [first, second] = [
      { part: 0, page: 2 * at + 1, pages: 1 },
      { part: 0, page: 2 * at + 2, pages: 1 },
    ];
    moments.onRssPages({ timeNs: 1, runs: [first] });
    moments.onRssPages({ timeNs: 1, runs: [second] });
  }
  expect(moments.moments[0]).toMatchObject({ liveBytes: count * PAGE });
  expect(moments.moments[0]?.parts[0]).toMatchObject({ live: count * PAGE, empty: 0 });
  expect(moments.moments[0]?.liveByStack.size).toBe(count);
  expect(asked).toBeLessThan(10 * count);
});

test('a process that had just looked when it exited has that look', () => {
  const looks = new RssLooks();
  const sample = (timeNs: number) =>
    looks.onSample({
      timeNs,
      rss: 1,
      heap: 1,
      liveBytes: 1,
      liveBlocks: 1,
      committed: 1,
      reserved: 1,
      file: 1,
    });
  const look = (timeNs: number) => looks.onRss({ timeNs, rss: 100, parts: [] });
  look(1);
  looks.onMark({ timeNs: 2, thread: 1, name: EXIT_MARK });
  sample(2);
  look(2);
  looks.onMark({ timeNs: 3, thread: 1, name: EXIT_MARK });
  sample(3); // without a look: there was no news
  sample(40);
  look(40);
  expect(looks.choose(10)?.end).toBe(1);
});

test('the looks that are chosen are the highest, the exit and enough between', () => {
  const looks = new RssLooks();
  const rss = [1, 5, 100, 99.5, 40, 120, 119.5, 60, 10];
  for (const [i, bytes] of rss.entries()) {
    if (i === 7) looks.onMark({ timeNs: i, thread: 1, name: EXIT_MARK });
    looks.onRss({ timeNs: i, rss: bytes, parts: [] });
  }
  expect(looks.choose(100)).toEqual({ chosen: [0, 1, 2, 3, 4, 5, 6, 7], peak: 5, end: 7 });
  expect(looks.choose(2)).toEqual({ chosen: [0, 2, 5, 7], peak: 5, end: 7 });
  expect(new RssLooks().choose(2)).toBeNull();
});

function breakdown(kinds: Partial<Record<RssKind, number>>, v8Used = 0): RssBreakdown {
  const rss = Object.values(kinds).reduce((sum, bytes) => sum + bytes, 0);
  const rows = (Object.keys(RSS_KINDS) as RssKind[]).map((kind) => {
    const bytes = kinds[kind] ?? 0;
    return { kind, label: RSS_KINDS[kind], bytes, share: bytes / rss, details: [] };
  });
  const { fragments = 0, free = 0 } = kinds;
  const arena = { arena: 1, resident: fragments + free, live: 0, overhead: 0, fragments, free };
  const arenas = [{ ...arena, unknown: 0 }];
  return { time_ms: 1, rss, rows, arenas, live_bytes: 0, live_untouched: 0, v8_used: v8Used };
}

test.each([
  ['fragmentation', { blocks: 20 * MB, fragments: 90 * MB, free: 80 * MB }, 0],
  ['retained', { blocks: 20 * MB, fragments: 10 * MB, free: 80 * MB }, 0],
  ['blocks', { blocks: 90 * MB, fragments: 40 * MB, free: 40 * MB }, 0],
  ['v8-objects', { code: 40 * MB, v8_heap: 100 * MB }, 80 * MB],
  ['v8-pages', { code: 40 * MB, v8_heap: 100 * MB }, 20 * MB],
  ['v8-other', { code: 40 * MB, v8_other: 100 * MB }, 0],
  ['mappings', { code: 40 * MB, mappings: 100 * MB }, 0],
  ['files', { code: 40 * MB, files: 100 * MB }, 0],
  ['stacks', { code: 40 * MB, stacks: 100 * MB }, 0],
  ['unknown', { code: 40 * MB, earlier: 50 * MB, other: 50 * MB }, 0],
  ['baseline', { code: 40 * MB, v8_heap: 5 * MB, blocks: 3 * MB }, 4 * MB],
] as const)('%s', (verdict, kinds, v8Used) => {
  const judged = rssVerdict(breakdown(kinds, v8Used));
  expect(judged.verdict).toBe(verdict);
  expect(judged.why.length).toBeGreaterThan(0);
  expect(judged.why.join(' ')).not.toMatch(/NaN|undefined|null/);
});
