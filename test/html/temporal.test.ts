// SPDX-License-Identifier: MIT
// A range of time chosen in a real browser, as a reader chooses it, against brute force over the events.

import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bytesText } from '../../ts/html/app/units.js';
import { renderFlamegraph } from '../../ts/html/render.js';
import type { Sums } from '../aggregate/slice-oracle.js';
import { ReportBrowser } from './browser.js';
import { temporalSample } from './temporal-sample.js';

const { peak, leaked, oracle } = temporalSample();

let browser: ReportBrowser;
let addresses: { peak: string; leaked: string };
beforeAll(async () => {
  browser = await ReportBrowser.launch();
  addresses = {
    peak: browser.write(renderFlamegraph(peak).html),
    leaked: browser.write(renderFlamegraph(leaked).html),
  };
});
afterAll(() => browser.close());

const detail = (page: Page) => page.locator('#detail').textContent();
const total = (sums: Sums) => [...sums.values()].reduce((sum, [bytes]) => sum + bytes, 0);

/** The range that the handles say, in events. */
async function chosen(
  page: Page,
): Promise<{ from: number; to: number; fromMs: number; toMs: number }> {
  const at = async (end: string) =>
    Number(await page.getAttribute(`.brush-${end}`, 'aria-valuenow'));
  const [fromMs, toMs] = [await at('from'), await at('to')];
  return { from: oracle.firstAt(fromMs * 1e6), to: oracle.firstAt(toMs * 1e6), fromMs, toMs };
}

async function drag(page: Page, from: number, to: number): Promise<void> {
  const box = await page.locator('#plot .u-over').boundingBox();
  if (box === null) throw new Error('no plot');
  await page.mouse.move(box.x + box.width * from, box.y + 50);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * ((from + to) / 2), box.y + 50, { steps: 3 });
  await page.mouse.move(box.x + box.width * to, box.y + 50, { steps: 3 });
  await page.mouse.up();
}

describe('a range of time', () => {
  test('is at first everything up to the exit', async () => {
    const { page, troubles } = await browser.open(addresses.leaked);
    const exit = oracle.exits.at(-1) ?? 0;
    expect(await chosen(page)).toMatchObject({ from: 0, to: exit });
    expect(await detail(page)).toContain(`total ${bytesText(total(oracle.leaked(0, exit)))} `);
    expect(await page.locator('h1').textContent()).toBe('Memory kept over time');
    expect(troubles).toEqual([]);
    await page.context().close();
  });

  test.each([
    ['peak', 0.2, 0.5],
    ['peak', 0.72, 0.61],
    ['leaked', 0.2, 0.5],
    ['leaked', 0.55, 0.9],
  ] as const)('dragged over the plot of %s from %d to %d', async (kind, start, end) => {
    const { page, troubles } = await browser.open(addresses[kind]);
    await drag(page, start, end);
    const { from, to, fromMs, toMs } = await chosen(page);
    expect(to).toBeGreaterThan(from + 20);
    const held = kind === 'peak' ? oracle.peak(from, to).bytes : total(oracle.leaked(from, to));
    await expect.poll(() => detail(page)).toContain(`total ${bytesText(held)} `);
    expect(await page.locator('.legend-range').textContent()).toContain(bytesText(held));
    // The address says it, and leads there.
    await expect.poll(() => page.url()).toContain(`#/range=${fromMs}-${toMs}`);
    const other = await browser.open(page.url());
    expect(await detail(other.page)).toBe(await detail(page));
    await other.page.context().close();
    await page.click('#zoom-back');
    await expect.poll(() => page.url()).not.toContain('range');
    expect((await chosen(page)).from).toBe(0);
    expect(troubles).toEqual([]);
    await page.context().close();
  });

  test('each line is exact, and filters apply to the range', async () => {
    const { page } = await browser.open(`${addresses.leaked}#/range=500-1500&view=table`);
    const { from, to } = await chosen(page);
    const sums = oracle.leaked(from, to);
    const byStack = new Map<string, number>();
    for (const [place, [bytes]] of sums) {
      const [stack = ''] = place.split(':');
      byStack.set(stack, (byStack.get(stack) ?? 0) + bytes);
    }
    const expected = [...byStack.values()].sort((a, b) => b - a).map((bytes) => bytesText(bytes));
    const own = page.locator('#table tbody tr:has-text("leaf") td:nth-child(2) .size');
    expect(expected.length).toBeGreaterThan(5);
    await page.click('#table th:nth-child(2) button');
    expect(await own.allTextContents()).toEqual(expected);
    const onOne = [...sums].filter(([place]) => place.split(':')[1] === '1');
    await page.selectOption('#filter-thread', 'thread 1');
    const bytes = bytesText(total(new Map(onOne)));
    await expect
      .poll(() => page.locator('#filter-total').textContent())
      .toContain(`${bytes} of ${bytesText(total(sums))} · `);
    expect(await detail(page)).toContain(`total ${bytes} (100 % of what is shown)`);
    await page.click('#filter-reset');
    expect(await page.locator('#filter-total').textContent()).toBe('');
    await page.context().close();
  });

  test('moves by keyboard, and a double-click brings back the whole', async () => {
    const { page, troubles } = await browser.open(`${addresses.peak}#/range=1000-2000`);
    const before = await chosen(page);
    await page.focus('.brush-from');
    await page.keyboard.press('ArrowRight');
    const after = await chosen(page);
    expect(after.fromMs).toBeGreaterThan(before.fromMs);
    expect(after.toMs).toBe(before.toMs);
    expect(await detail(page)).toContain(bytesText(oracle.peak(after.from, after.to).bytes));
    await page.focus('.brush-to');
    await page.keyboard.press('Home');
    const least = await chosen(page);
    expect(least.toMs).toBeGreaterThan(least.fromMs);
    await page.keyboard.press('End');
    expect((await chosen(page)).toMs).toBe(3020);
    await page.locator('#plot .u-over').dblclick({ position: { x: 200, y: 40 } });
    await expect.poll(async () => (await chosen(page)).fromMs).toBe(0);
    expect(troubles).toEqual([]);
    await page.context().close();
  });

  test('small pages have longer slices before they fold boxes, and stay exact', async () => {
    const long = temporalSample(900, 2500);
    const whole = renderFlamegraph(long.leaked, { maxBytes: 1e9 });
    const limit = Buffer.byteLength(whole.html) - 1;
    const { html, folded } = renderFlamegraph(long.leaked, { maxBytes: limit });
    expect(Buffer.byteLength(html)).toBeLessThanOrEqual(limit);
    expect(folded.frames).toBe(0);
    const { page } = await browser.open(`${browser.write(html)}#/range=900-2100`);
    const at = async (end: string) =>
      long.oracle.firstAt(Number(await page.getAttribute(`.brush-${end}`, 'aria-valuenow')) * 1e6);
    const held = total(long.oracle.leaked(await at('from'), await at('to')));
    expect(await detail(page)).toContain(`total ${bytesText(held)} `);
    await page.context().close();
  });
});
