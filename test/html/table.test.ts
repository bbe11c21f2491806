// SPDX-License-Identifier: MIT
// The page of `memtape table`, in a browser.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rowsInSight } from '../../ts/html/app/row-window.js';
import { renderTable } from '../../ts/html/render-table.js';
import { decodeEntries, encodeEntries, type TablePageData } from '../../ts/html/table-data.js';
import { type OpenPage, ReportBrowser } from './browser.js';
import { sampleTable } from './sample-table.js';

const HOSTILE =
  '</script><script>globalThis.owned = true</script><img src=x onerror=owned=1>{{script}}';

// What runs in the page is text: these tests are compiled for Node.js, which has no DOM.
const LOW_CONTRAST = readFileSync(new URL('low-contrast.js', import.meta.url), 'utf8');

const WHOLE = 40 * 1000 + (39 * 40) / 2;

function embedded(html: string): TablePageData {
  const [, json = ''] =
    /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(html) ?? [];
  return JSON.parse(json) as TablePageData;
}

describe('renderTable', () => {
  test('the policy allows exactly the scripts and the style in it', () => {
    const { html } = renderTable(sampleTable());
    const inline = Array.from(html.matchAll(/<(script|style)>(.*?)<\/\1>/gs), ([, , text = '']) =>
      createHash('sha256').update(text).digest('base64'),
    );
    const allowed = Array.from(html.matchAll(/'sha256-([^']+)'/g), ([, hash]) => hash);
    expect(inline).toHaveLength(3);
    expect(allowed.sort()).toEqual(inline.sort());
    expect(html).not.toMatch(/\b(?:src|href)=["']?(?:https?:)?\/\//);
  });

  test('a page that is too large loses its smallest stacks and no byte', () => {
    const report = sampleTable({ lines: 5000 });
    const whole = renderTable(report);
    expect(whole.folded).toEqual({ stacks: 0, bytes: 0 });
    const maxBytes = Buffer.byteLength(whole.html) - 100_000;
    const { html, folded } = renderTable(report, { maxBytes });
    expect(Buffer.byteLength(html)).toBeLessThanOrEqual(maxBytes);
    expect(folded.stacks).toBeGreaterThan(1000);
    const data = embedded(html);
    const entries = decodeEntries(data.entries, data.entryCount);
    const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
    expect(sum(entries.bytes)).toBe(report.total_bytes);
    expect(sum(entries.count)).toBe(report.total_allocations);
    const foldedSite = data.frames.findIndex(([, name]) => data.strings[name] === '(folded)');
    const inFolded = entries.bytes.filter((_, entry) => entries.site[entry] === foldedSite);
    expect(sum(inFolded)).toBe(folded.bytes);
    // One for each thread and allocator.
    expect(inFolded).toHaveLength(4);
  });

  test('entries survive their encoding, beyond 32 bits', () => {
    const entries = {
      site: [1, 2],
      node: [3, 0],
      thread: [0, 70_000],
      allocator: [8, 1],
      bytes: [2 ** 45 + 1, 0],
      count: [1, 2 ** 33],
    };
    expect(decodeEntries(encodeEntries(entries), 2)).toEqual(entries);
  });
});

test('rowsInSight: what can be seen and a little more, within the table', () => {
  expect(rowsInSight(0, 310, 31, 1000)).toEqual({ first: 0, end: 22 });
  expect(rowsInSight(3100, 310, 31, 1000)).toEqual({ first: 88, end: 122 });
  expect(rowsInSight(1e9, 310, 31, 1000)).toEqual({ first: 988, end: 1000 });
  expect(rowsInSight(0, 310, 31, 0)).toEqual({ first: 0, end: 0 });
});

describe('in Chromium', () => {
  let browser: ReportBrowser;
  beforeAll(async () => {
    browser = await ReportBrowser.launch();
  });
  afterAll(() => browser.close());

  const open = async (options = {}, render = {}): Promise<OpenPage> =>
    browser.open(browser.write(renderTable(sampleTable(options), render).html), {
      acceptDownloads: true,
    });
  const names = ({ page }: OpenPage) => page.locator('tr.row .opener').allInnerTexts();
  const detail = ({ page }: OpenPage) => page.innerText('#detail');
  const untroubled = ({ troubles }: OpenPage) => expect(troubles).toEqual([]);

  test('lists every line, the largest first, and says what they are together', async () => {
    const opened = await open();
    expect((await names(opened)).slice(0, 3)).toEqual(['work39', 'work38', 'work37']);
    expect(await detail(opened)).toBe(`40 rows · ${(WHOLE / 1000).toFixed(1)} kB · 100 %`);
    const first = await opened.page.locator('tr.row').first().innerText();
    expect(first.split('\t').map((text) => text.trim())).toEqual([
      expect.stringContaining('/srv/work.js:40'),
      'calloc',
      expect.stringMatching(/^1\.04 kB\s*2\.55 %$/),
      '2',
      '520 B',
    ]);
    untroubled(opened);
  });

  test('a heading sorts, a second click turns round', async () => {
    const opened = await open();
    const heading = opened.page.locator('th[data-key="bytes"]');
    await heading.locator('button').click();
    expect((await names(opened))[0]).toBe('work0');
    expect(await heading.getAttribute('aria-sort')).toBe('ascending');
    await opened.page.click('th[data-key="allocator"] button');
    expect(await heading.getAttribute('aria-sort')).toBe('none');
    expect(await opened.page.locator('tr.row td:nth-child(2)').first().innerText()).toBe('calloc');
    untroubled(opened);
  });

  test('filters by package, allocator and thread', async () => {
    const opened = await open();
    const { page } = opened;
    await page.selectOption('#filter-package', 'left-pad@1.3.0');
    expect(await names(opened)).toEqual(['work30', 'work20', 'work10', 'work0']);
    await page.selectOption('#filter-package', '');
    await page.selectOption('#filter-allocator', 'calloc');
    expect(await detail(opened)).toMatch(/^20 rows · 20\.4 kB/);
    await page.selectOption('#filter-thread', { label: 'worker 2 (resize)' });
    const bytes = Array.from({ length: 20 }, (_, i) => 1001 + 2 * i);
    const onWorker = bytes.reduce((sum, own) => sum + own - Math.floor((own * 2) / 3), 0);
    expect(await detail(opened)).toContain(`${(onWorker / 1000).toFixed(2)} kB`);
    untroubled(opened);
  });

  test('search takes words and regular expressions, and stays calm at broken ones', async () => {
    const opened = await open();
    const { page } = opened;
    await page.keyboard.press('/');
    await page.keyboard.type('WORK3');
    await expect.poll(() => detail(opened)).toMatch(/^11 rows/);
    await page.click('#regex');
    await page.fill('#search', 'work(1|2)\\b');
    await expect.poll(() => names(opened)).toEqual(['work2', 'work1']);
    await page.fill('#search', 'work(');
    await expect.poll(() => page.innerText('#search-result')).toBe('not a regular expression');
    expect(await names(opened)).toEqual(['work2', 'work1']);
    await page.keyboard.press('Escape');
    await expect.poll(() => detail(opened)).toMatch(/^40 rows/);
    untroubled(opened);
  });

  test('a row opens to its stacks, by mouse and by keyboard', async () => {
    const opened = await open();
    const { page } = opened;
    await page.locator('.opener').first().click();
    const lines = await page.locator('tr.stack, tr.frame').allInnerTexts();
    expect(lines.map((line) => line.trim().split(/\s+/).slice(0, 3).join(' '))).toEqual([
      '692 B in',
      'work39 /srv/work.js:40:1',
      'main /srv/main.js:1:1',
      '347 B in',
      'work39 /srv/work.js:40:1',
      'other /srv/main.js:2:1',
      'main /srv/main.js:1:1',
    ]);
    // The button that was pressed is another element now and still has the focus.
    await page.keyboard.press('Enter');
    expect(await page.locator('tr.frame').count()).toBe(0);
    expect(await page.locator('.opener').first().getAttribute('aria-expanded')).toBe('false');
    untroubled(opened);
  });

  test('threads apart', async () => {
    const opened = await open({}, { splitThreads: true });
    expect(await detail(opened)).toMatch(/^80 rows/);
    expect(await opened.page.locator('tr.row td:nth-child(3)').first().innerText()).toBe('main');
    await opened.page.click('#split-threads');
    expect(await detail(opened)).toMatch(/^40 rows/);
    untroubled(opened);
  });

  test('saves the rows that are shown as CSV and as JSON', async () => {
    const opened = await open();
    const { page } = opened;
    await page.selectOption('#filter-package', 'left-pad@1.3.0');
    const saved = async (button: string) => {
      const [download] = await Promise.all([page.waitForEvent('download'), page.click(button)]);
      return readFileSync(await download.path(), 'utf8');
    };
    expect((await saved('#save-csv')).split('\n').slice(0, 2)).toEqual([
      'function,file,line,package,allocator,thread,bytes,allocations,average_bytes,stacks,module',
      'work30,/srv/node_modules/left-pad/index.js,31,left-pad@1.3.0,malloc,,1030,2,515,2,',
    ]);
    const rows = JSON.parse(await saved('#save-json'));
    expect(rows.map((row: { bytes: number }) => row.bytes)).toEqual([1030, 1020, 1010, 1000]);
    untroubled({ ...opened, troubles: opened.troubles.filter((t) => !t.includes(' blob:')) });
  });

  test('a hundred thousand rows scroll with a few dozen elements', async () => {
    const report = sampleTable({ lines: 100_000 });
    const { html } = renderTable(report, { maxBytes: Number.POSITIVE_INFINITY });
    const opened = await browser.open(browser.write(html));
    const { page } = opened;
    expect(await detail(opened)).toMatch(/^100,000 rows/);
    await page.locator('#rows').evaluate((box) => {
      box.scrollTop = box.scrollHeight;
    });
    await expect.poll(async () => (await names(opened)).at(-1)).toBe('work0');
    expect(await page.locator('tr.row').count()).toBeLessThan(80);
    expect(await page.locator('#table').getAttribute('aria-rowcount')).toBe('100001');
    expect(await page.locator('tr.row').last().getAttribute('aria-rowindex')).toBe('100001');
    untroubled(opened);
  });

  test('hostile names are text', async () => {
    const opened = await open({ hostileName: HOSTILE });
    const { page } = opened;
    expect((await names(opened))[0]).toBe(HOSTILE);
    await page.locator('.opener').first().click();
    await page.click('#split-threads');
    await page.click('#show-stats');
    expect(await page.evaluate('globalThis.owned')).toBeUndefined();
    expect(await page.locator('img').count()).toBe(0);
    untroubled(opened);
  });

  test.each(['light', 'dark'] as const)(
    'text has enough contrast when it is %s',
    async (colorScheme) => {
      const { html } = renderTable(sampleTable());
      const { page } = await browser.open(browser.write(html), { colorScheme });
      await page.locator('.opener').first().click();
      expect(await page.evaluate(LOW_CONTRAST)).toEqual([]);
    },
  );

  test('on a small screen only the table scrolls sideways', async () => {
    const { html } = renderTable(sampleTable());
    const viewport = { width: 390, height: 844 };
    const { page } = await browser.open(browser.write(html), { viewport });
    const overflow = await page.evaluate(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    );
    expect(overflow).toBe(0);
    expect(await page.locator('.opener').first().isVisible()).toBe(true);
  });

  test('has statistics, help and a theme on their keys', async () => {
    const opened = await open();
    const { page } = opened;
    const theme = () => page.evaluate('document.documentElement.dataset.theme');
    const before = await theme();
    await page.keyboard.press('t');
    expect(await theme()).not.toBe(before);
    await page.keyboard.press('s');
    expect(await page.innerText('#stats-body')).toContain('Garbage collections');
    await page.keyboard.press('Escape');
    await page.keyboard.press('?');
    expect(await page.innerText('#help')).toContain('Each row is a line of code');
    untroubled(opened);
  });
});
