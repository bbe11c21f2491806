// SPDX-License-Identifier: MIT
// The page of `memtape rss`, in a browser.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { renderRss } from '../../ts/html/render-rss.js';
import { RSS_KINDS, type RssExplained, type RssKind } from '../../ts/report/rss-report.js';
import { ReportBrowser } from './browser.js';

const HOSTILE = '</script><img src=x onerror=owned=1>{{script}}';

const kinds = Object.keys(RSS_KINDS) as RssKind[];
const at = (time_ms: number, bytes: number): RssExplained => ({
  time_ms,
  rss: kinds.length * bytes,
  rows: kinds.map((kind) => ({
    kind,
    label: RSS_KINDS[kind],
    bytes,
    share: 1 / kinds.length,
    details: [{ name: HOSTILE, bytes }],
  })),
  arenas: [1, 2].map((arena) => {
    const sizes = { resident: 4, live: 1, overhead: 1, fragments: 1, free: 1, unknown: 0 };
    return { arena, ...sizes };
  }),
  live_bytes: bytes,
  live_untouched: 0,
  v8_used: 0,
  verdict: 'fragmentation',
  why: [`It is ${HOSTILE}.`],
  advice: ['Do something.'],
});

let browser: ReportBrowser;
beforeAll(async () => {
  browser = await ReportBrowser.launch();
});
afterAll(() => browser.close());

test('shows verdicts, the picture and the tables, and runs nothing of what names say', async () => {
  const column = [1e6, 2e6, 3e6];
  const html = renderRss(
    {
      command: `app ${HOSTILE}`,
      peak: at(10, 3e6),
      end: at(20, 2e6),
      series: {
        time_ms: [0, 10, 20],
        rss: column.map((bytes) => bytes * kinds.length),
        kinds: Object.fromEntries(kinds.map((kind) => [kind, column])) as Record<RssKind, number[]>,
      },
      highest: { time_ms: 10, rss: 1 },
      notes: ['A note.'],
    },
    { title: HOSTILE },
  );
  const { page, troubles } = await browser.open(browser.write(html));
  await page.waitForSelector('html[data-ready]');
  expect(await page.locator('.rss-card').count()).toBe(2);
  expect(await page.locator('.rss-card').first().textContent()).toContain('fragmentation');
  expect(await page.locator('#plot canvas').count()).toBe(1);
  expect(await page.locator('#parts tbody tr').count()).toBe(2 * kinds.length);
  expect(await page.locator('#arenas tbody tr').count()).toBe(2);
  expect(await page.locator('#warnings').textContent()).toBe('A note.');
  await page.keyboard.press('t');
  expect(await page.locator('html').getAttribute('data-theme')).toBe('dark');
  expect(troubles).toEqual([]);
  await page.close();
});
