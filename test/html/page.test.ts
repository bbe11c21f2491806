// SPDX-License-Identifier: MIT
// The page in a real browser, used as a reader uses it.

import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { renderFlamegraph } from '../../ts/html/render.js';
import { ReportBrowser } from './browser.js';
import { largeReport } from './large-report.js';
import { sampleReport } from './sample-report.js';

const ROW = 21;
const HOSTILE = '</script><img src=x onerror="globalThis.owned=1"><b>bold\u202e</b>\u001b[31m';

// What runs in the page is text: these tests are compiled for Node.js, which has no DOM.
const LOW_CONTRAST = readFileSync(new URL('low-contrast.js', import.meta.url), 'utf8');
const CANVAS = "document.getElementById('canvas')";
const COLOURS_OF_CANVAS = `{
  const { data } = ${CANVAS}.getContext('2d').getImageData(0, 0, ${CANVAS}.width, ${CANVAS}.height);
  new Set(new Uint32Array(data.buffer)).size;
}`;
const CORNER_OF_CANVAS = `Array.from(
  ${CANVAS}.getContext('2d').getImageData(1, ${CANVAS}.height - 2, 1, 1).data.slice(0, 3)
)`;

let browser: ReportBrowser;
let address: string;

beforeAll(async () => {
  browser = await ReportBrowser.launch();
  address = browser.write(renderFlamegraph(sampleReport({ truncated: true })).html);
});
afterAll(() => browser.close());

const detail = (page: Page) => page.locator('#detail').textContent();
const hash = (page: Page) => new URL(page.url()).hash;

/** The middle of a row, at a share of the graph's width. */
async function point(page: Page, row: number, share = 0.1): Promise<{ x: number; y: number }> {
  const box = await page.locator('#canvas').boundingBox();
  if (box === null) throw new Error('no canvas');
  return { x: box.x + box.width * share, y: box.y + row * ROW + ROW / 2 };
}

async function clickRow(page: Page, row: number, share?: number): Promise<void> {
  const { x, y } = await point(page, row, share);
  await page.mouse.click(x, y);
}

describe('the flame graph page', () => {
  test('opens without errors and without the network', async () => {
    const { page, troubles } = await browser.open(address);
    expect(await page.title()).toContain('Heap at its peak – node src/server.js');
    expect(await page.locator('#figures').textContent()).toContain('Peak heap126 MB');
    expect(await page.locator('#warnings').textContent()).toContain('cut off');
    expect(await detail(page)).toMatch(/^Everything — total 126 MB \(100 % of the peak\)/);
    expect(troubles).toEqual([]);
    await page.context().close();
  });

  test('draws boxes, and text in them', async () => {
    const { page } = await browser.open(address);
    const colours = await page.evaluate(COLOURS_OF_CANVAS);
    expect(colours).toBeGreaterThan(50);
    await page.context().close();
  });

  test('a click zooms, back and forward undo and redo, a link leads to the same box', async () => {
    const { page, troubles } = await browser.open(address);
    expect(await page.locator('#zoom-reset').isDisabled()).toBe(true);
    await clickRow(page, 3);
    const zoomed = await detail(page);
    expect(zoomed).toMatch(/^renderPage \(\/srv\/shop\/src\/render\.js:\d+\) — total 1\d\.\d MB/);
    await expect.poll(() => hash(page)).toMatch(/^#\/zoom=[\da-z]+-[\da-z]+$/);
    const link = hash(page);
    // The zoomed box is as wide as the page now.
    await clickRow(page, 3, 0.95);
    expect(await detail(page)).toBe(zoomed);

    await page.click('#zoom-back');
    await expect.poll(() => hash(page)).toBe('');
    expect(await page.locator('#zoom-reset').isDisabled()).toBe(true);
    await page.click('#zoom-forward');
    await expect.poll(() => hash(page)).toBe(link);
    expect(troubles).toEqual([]);
    await page.context().close();

    const other = await browser.open(address + link);
    await clickRow(other.page, 3, 0.95);
    expect(await detail(other.page)).toBe(zoomed);
    await other.page.click('#zoom-reset');
    expect(await hash(other.page)).toBe('');
    await other.page.context().close();
  });

  test('opens inverted when asked to, and turns back', async () => {
    const { html } = renderFlamegraph(sampleReport(), { inverted: true });
    const { page, troubles } = await browser.open(browser.write(html));
    const pressed = () => page.getAttribute('#inverted', 'aria-pressed');
    expect(await pressed()).toBe('true');
    await page.click('#inverted');
    expect(await pressed()).toBe('false');
    expect(troubles).toEqual([]);
    await page.context().close();
  });

  test('the tooltip shows the line of code, as text', async () => {
    const report = sampleReport();
    const frames = report.frames.map((frame) => ({ ...frame, source: `call(${HOSTILE});` }));
    const { html } = renderFlamegraph({ ...report, frames });
    const { page, troubles } = await browser.open(browser.write(html));
    const { x, y } = await point(page, 1);
    await page.mouse.move(x, y);
    const source = page.locator('#tooltip .tip-source');
    await source.waitFor();
    expect(await source.textContent()).toMatch(/^call\(<\/script><img src=x/);
    expect(await page.evaluate('globalThis.owned')).toBeUndefined();
    expect(troubles).toEqual([]);
    await page.context().close();
  });

  test('the tooltip has self, total, percent and count', async () => {
    const { page } = await browser.open(address);
    const { x, y } = await point(page, 2);
    await page.mouse.move(x, y);
    const tooltip = page.locator('#tooltip');
    await tooltip.waitFor();
    const text = (await tooltip.textContent()) ?? '';
    expect(text).toMatch(/handleRequestYour code\/srv\/shop\/src\/server\.js:\d+:1/);
    expect(text).toMatch(/Total\d+\.\d MB2\d\.\d % of the peak · [\d,]+ bytes/);
    expect(text).toMatch(/Self\d+/);
    expect(text).toMatch(/Blocks\d,\d{3}/);
    await page.mouse.move(x, 5);
    expect(await tooltip.isVisible()).toBe(false);
    await page.context().close();
  });

  test('search counts boxes, bytes and share, as text and as expression', async () => {
    const { page, troubles } = await browser.open(address);
    const result = page.locator('#search-result');
    await page.fill('#search', 'express@4');
    await expect.poll(() => result.textContent()).toMatch(/^[\d,]+ boxes · [\d.]+ MB · [\d.]+ %$/);
    const plain = await result.textContent();
    await expect.poll(() => hash(page)).toBe('#/search=express%404');
    await page.fill('#search', '^next .*express');
    await expect.poll(() => result.textContent()).toBe('0 boxes · 0 B · 0.00 %');
    await page.click('#regex');
    await expect.poll(() => result.textContent()).toMatch(/^[1-9][\d,]* boxes/);
    await page.fill('#search', '(');
    await expect.poll(() => result.textContent()).toBe('not a regular expression');
    expect(await page.getAttribute('#search', 'aria-invalid')).toBe('true');
    await page.click('#search-clear');
    expect(await result.textContent()).toBe('');
    expect(plain).not.toBe('');
    expect(troubles).toEqual([]);
    await page.context().close();
  });

  test('Enter in the search field goes through the matches, the largest first', async () => {
    const { page } = await browser.open(address);
    await page.fill('#search', 'parseStatement');
    await expect.poll(() => page.locator('#search-result').textContent()).toContain('boxes');
    const sizes: number[] = [];
    for (let i = 0; i < 3; i++) {
      await page.press('#search', 'Enter');
      const text = (await detail(page)) ?? '';
      expect(text).toContain('Parser.parseStatement');
      sizes.push(Number.parseFloat(/total ([\d.]+) MB/.exec(text)?.[1] ?? ''));
    }
    expect([...sizes].sort((a, b) => b - a)).toEqual(sizes);
    await page.context().close();
  });

  test('Node internals are hidden until asked for; memory stays the same', async () => {
    const { page } = await browser.open(`${address}#/search=node%3A`);
    const result = page.locator('#search-result');
    expect(await page.getAttribute('#hide-node', 'aria-pressed')).toBe('true');
    expect(await result.textContent()).toMatch(/^\d+ boxes/);
    const before = await result.textContent();
    await page.click('#hide-node');
    expect(await page.getAttribute('#hide-node', 'aria-pressed')).toBe('false');
    await expect.poll(() => result.textContent()).not.toBe(before);
    await page.fill('#search', '');
    await expect.poll(() => hash(page)).toBe('#/node');
    await page.keyboard.press('Escape');
    expect(await detail(page)).toMatch(/^Everything — total 126 MB/);
    await page.context().close();
  });

  test('inverted shows what allocated first', async () => {
    const { page, troubles } = await browser.open(address);
    await page.click('#inverted');
    await expect.poll(() => hash(page)).toBe('#/inverted');
    await page.reload();
    await page.waitForSelector('html[data-ready]');
    // A fragment that named an element would take the focus there.
    expect(await page.evaluate('document.activeElement === document.body')).toBe(true);
    await clickRow(page, 1, 0.02);
    expect(await detail(page)).toMatch(/^(?:node::ArrayBuffer|v8::internal|operator new|node\+0x)/);
    expect(troubles).toEqual([]);
    await page.context().close();
  });

  test('flames stand on their root', async () => {
    const { page } = await browser.open(address);
    await page.click('#flames');
    const box = await page.locator('#canvas').boundingBox();
    if (box === null) throw new Error('no canvas');
    await page.mouse.move(box.x + 200, box.y + box.height - ROW / 2);
    expect(await page.locator('#tooltip').textContent()).toContain('everything');
    await page.context().close();
  });

  test('works by keyboard alone', async () => {
    const { page, troubles } = await browser.open(address);
    await page.focus('#canvas');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    expect(await detail(page)).toContain('handleRequest');
    await page.keyboard.press('ArrowRight');
    expect(await detail(page)).toContain('loadCatalogue');
    await page.keyboard.press('Enter');
    await expect.poll(() => hash(page)).toMatch(/^#\/zoom=/);
    await page.keyboard.press('Backspace');
    await expect.poll(() => hash(page)).toBe('');
    await page.keyboard.press('/');
    expect(await page.evaluate('document.activeElement?.id')).toBe('search');
    await page.keyboard.type('emit?n');
    expect(await page.inputValue('#search')).toBe('emit?n');
    expect(await page.locator('#help').getAttribute('open')).toBeNull();
    await page.keyboard.press('Escape');
    await expect.poll(() => page.inputValue('#search')).toBe('');
    await page.focus('#canvas');
    await page.keyboard.press('?');
    expect(await page.locator('#help').isVisible()).toBe(true);
    await page.keyboard.press('Escape');
    expect(await page.locator('#help').isVisible()).toBe(false);
    expect(troubles).toEqual([]);
    await page.context().close();
  });

  test('the table sorts, filters and leads into the graph', async () => {
    const { page, troubles } = await browser.open(`${address}#/view=table`);
    const first = () => page.locator('#table tbody tr').first().textContent();
    expect(await first()).toContain('/srv/shop/src/main.js:');
    await page.click('#table th:nth-child(2) button');
    expect(await page.getAttribute('#table th:nth-child(2)', 'aria-sort')).toBe('descending');
    const owners = await page.locator('#table tbody tr td:nth-child(2) .size').allTextContents();
    expect(owners[0]).toMatch(/MB$/);
    await page.fill('#search', 'acorn');
    await expect.poll(first).toContain('acorn.mjs');
    await page.click('#table tbody tr:first-child .pick');
    expect(await page.locator('#graph').isVisible()).toBe(true);
    expect(await detail(page)).toContain('Parser.parseStatement');
    expect(troubles).toEqual([]);
    await page.context().close();
  });

  test('statistics say what was recorded', async () => {
    const { page } = await browser.open(address);
    await page.click('#show-stats');
    const text = (await page.locator('#stats').textContent()) ?? '';
    for (const fact of [
      'node src/server.js --port 8080',
      'v22.11.0',
      '--max-old-space-size=512',
      'truncated',
      'scavenge',
      'warm-up done',
      'calloc',
      '1 free went unseen',
    ]) {
      expect(text).toContain(fact);
    }
    await page.context().close();
  });

  test('the plot tells values under the pointer and can hide lines', async () => {
    const { page, troubles } = await browser.open(address);
    const plot = await page.locator('#plot .u-over').boundingBox();
    if (plot === null) throw new Error('no plot');
    await page.mouse.move(plot.x + plot.width / 2, plot.y + 40);
    expect(await page.locator('#plot-legend').textContent()).toMatch(
      /Heap[\d.]+ MB.*RSS[\d.]+ MB.*at 2\.\d+ s/,
    );
    await page.click('.legend-item:has-text("RSS")');
    expect(await page.getAttribute('.legend-item:has-text("RSS")', 'aria-pressed')).toBe('false');
    expect(await page.getAttribute('#plot', 'aria-label')).toContain('Heap peak 126 MB');
    expect(troubles).toEqual([]);
    await page.context().close();
  });

  test('collections and marks can be left out of the plot', async () => {
    const { page } = await browser.open(address);
    const colours = (name: string) =>
      page.evaluate(`{
        const colour = getComputedStyle(document.documentElement).getPropertyValue('--${name}').trim();
        const wanted = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
        const canvas = document.querySelector('#plot canvas');
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        let pixels = 0;
        for (let at = 0; at < data.length; at += 4) {
          if (wanted.every((part, i) => data[at + i] === part)) pixels++;
        }
        pixels;
      }`);
    for (const [label, name] of [
      ['GC', 'gc'],
      ['Marks', 'mark'],
    ] as const) {
      expect(await colours(name)).toBeGreaterThan(20);
      await page.click(`.legend-item:has-text("${label}")`);
      await expect.poll(() => colours(name)).toBe(0);
    }
    expect(await page.locator('.legend-item:has-text("External")').count()).toBe(1);
    await page.context().close();
  });

  test('filters say how much of the whole is left, in the graph, the table and the link', async () => {
    const { page, troubles } = await browser.open(address);
    const left = page.locator('#filter-total');
    await page.selectOption('#filter-allocator', 'malloc');
    await expect.poll(() => left.textContent()).toMatch(/^[\d.]+ MB of 126 MB · [\d.]+ %$/);
    const malloc = await left.textContent();
    await page.selectOption('#filter-package', 'express@4.19.2');
    await expect.poll(() => left.textContent()).not.toBe(malloc);
    const both = await left.textContent();
    expect(await detail(page)).toContain(
      `total ${both?.split(' of ')[0]} (100 % of what is shown)`,
    );
    await expect.poll(() => hash(page)).toContain('allocator=malloc&package=express%404.19.2');
    const other = await browser.open(page.url());
    expect(await other.page.locator('#filter-total').textContent()).toBe(both);
    await other.page.click('#view-table');
    const rows = other.page.locator('#table tbody tr:has(.owner:has-text("acorn"))');
    for (const own of await rows.locator('td:nth-child(2) .size').allTextContents()) {
      expect(own).toBe('0 B');
    }
    await other.page.context().close();
    await page.click('#zoom-back');
    await expect.poll(() => left.textContent()).toBe(malloc);
    await page.click('#filter-reset');
    expect(await left.textContent()).toBe('');
    expect(troubles).toEqual([]);
    await page.context().close();
  });

  test('node_modules and module loading can be hidden, and no byte is lost', async () => {
    const { page, troubles } = await browser.open(`${address}#/view=table`);
    const places = () => page.locator('#table .where').allTextContents();
    expect((await places()).some((text) => text.includes('node_modules'))).toBe(true);
    await page.keyboard.press('d');
    await expect
      .poll(async () => (await places()).some((text) => text.includes('node_modules')))
      .toBe(false);
    expect(await detail(page)).toContain('total 126 MB');
    expect(hash(page)).toContain('no-modules');
    await page.keyboard.press('m');
    expect(await page.getAttribute('#hide-loading', 'aria-pressed')).toBe('true');
    expect(troubles).toEqual([]);
    await page.context().close();
  });

  test('prints in light colours, without buttons, with the whole graph', async () => {
    const { page, troubles } = await browser.open(address, { colorScheme: 'dark' });
    await page.emulateMedia({ media: 'print' });
    await page.evaluate("window.dispatchEvent(new Event('beforeprint'))");
    expect(await page.getAttribute('html', 'data-theme')).toBe('light');
    expect(await page.locator('.toolbar').isVisible()).toBe(false);
    expect(await page.locator('#canvas').isVisible()).toBe(true);
    const rows = await page.evaluate("document.getElementById('canvas').clientHeight / 21");
    expect(rows).toBeGreaterThan(12);
    await expect.poll(() => page.evaluate(COLOURS_OF_CANVAS)).toBeGreaterThan(50);
    await page.evaluate("window.dispatchEvent(new Event('afterprint'))");
    expect(await page.getAttribute('html', 'data-theme')).toBe('dark');
    expect(troubles).toEqual([]);
    await page.context().close();
  });

  test('hostile names do nothing but look odd', async () => {
    const report = sampleReport({ hostileName: HOSTILE });
    const { page, troubles } = await browser.open(browser.write(renderFlamegraph(report).html));
    await page.fill('#search', 'onerror');
    await expect
      .poll(() => page.locator('#search-result').textContent())
      .toMatch(/^[1-9]\d* boxes/);
    await page.press('#search', 'Enter');
    expect(await detail(page)).toContain(
      '</script><img src=x onerror="globalThis.owned=1"><b>bold\ufffd</b>\ufffd[31m',
    );
    await page.click('#view-table');
    await page.click('#show-stats');
    expect(await page.locator('#table img, #stats img, #table b').count()).toBe(0);
    expect(await page.evaluate('"owned" in globalThis')).toBe(false);
    expect(troubles).toEqual([]);
    await page.context().close();
  });
});

describe('themes', () => {
  const surface = (page: Page) =>
    page.evaluate("getComputedStyle(document.querySelector('.masthead')).backgroundColor");
  const corner = (page: Page) => page.evaluate(CORNER_OF_CANVAS);

  test.each([
    ['light', 'rgb(255, 255, 255)', [255, 255, 255]],
    ['dark', 'rgb(20, 22, 28)', [20, 22, 28]],
  ] as const)('%s follows the system, page and canvas alike', async (scheme, background, pixel) => {
    const { page, troubles } = await browser.open(address, { colorScheme: scheme });
    expect(await surface(page)).toBe(background);
    expect(await corner(page)).toEqual(pixel);
    expect(troubles).toEqual([]);
    await page.context().close();
  });

  test('the reader’s choice wins and is remembered', async () => {
    const { page } = await browser.open(address, { colorScheme: 'light' });
    await page.click('#theme');
    expect(await surface(page)).toBe('rgb(20, 22, 28)');
    await expect.poll(() => corner(page)).toEqual([20, 22, 28]);
    await page.reload();
    await page.waitForSelector('html[data-ready]');
    expect(await surface(page)).toBe('rgb(20, 22, 28)');
    await page.context().close();
  });

  test.each(['light', 'dark'] as const)(
    'text has enough contrast when it is %s',
    async (scheme) => {
      const { page } = await browser.open(`${address}#/view=table`, { colorScheme: scheme });
      const poor = await page.evaluate(LOW_CONTRAST);
      expect(poor).toEqual([]);
      await page.click('#show-stats');
      expect(await page.evaluate(LOW_CONTRAST)).toEqual([]);
      await page.context().close();
    },
  );
});

test('small screens show everything without scrolling sideways', async () => {
  const { page, troubles } = await browser.open(address, { viewport: { width: 390, height: 844 } });
  const overflow = await page.evaluate(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  );
  expect(overflow).toBe(0);
  expect(await page.locator('#canvas').isVisible()).toBe(true);
  expect(troubles).toEqual([]);
  await page.context().close();
});

test('a report of 100,000 boxes answers at once', async () => {
  const report = sampleReport({ stacks: 9000, depth: 40 });
  const { page } = await browser.open(browser.write(renderFlamegraph(report).html));
  await page.fill('#search', 'parseStatement');
  await expect.poll(() => page.locator('#search-result').textContent()).toMatch(/^\d+,\d+ boxes/);
  await page.click('#inverted');
  await clickRow(page, 1, 0.3);
  await expect.poll(() => hash(page)).toContain('zoom=');
  await page.context().close();
});

test('a page that keeps 150,000 boxes opens, zooms and filters', async () => {
  const { html, folded } = renderFlamegraph(largeReport(150_000), { maxBytes: 1e9 });
  expect(folded.frames).toBe(0);
  const { page, troubles } = await browser.open(browser.write(html));
  await clickRow(page, 3, 0.05);
  await expect.poll(() => hash(page)).toContain('zoom=');
  const link = hash(page);
  const zoomed = await detail(page);
  await page.click('#zoom-reset');
  await page.click('#zoom-back');
  await expect.poll(() => hash(page)).toBe(link);
  await page.click('#hide-node');
  await expect.poll(() => hash(page)).toBe('#/node');
  expect(zoomed).not.toContain('Everything');
  expect(troubles).toEqual([]);
  await page.context().close();
});
