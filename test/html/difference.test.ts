// SPDX-License-Identifier: MIT
// The page that compares two captures, in a real browser, and what it colours by.

import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LeakAggregator } from '../../ts/aggregate/leaks.js';
import { changeShare } from '../../ts/html/difference.js';
import { renderFlamegraph } from '../../ts/html/render.js';
import { NamedStacks } from '../../ts/model/named-stacks.js';
import type { DiffSide } from '../../ts/report/diff.js';
import { diffFlamegraph, diffTree } from '../../ts/report/diff-tree.js';
import type { FlamegraphReport } from '../../ts/report/flamegraph-report.js';
import { CaptureBuilder } from '../model/capture-builder.js';
import { ReportBrowser } from './browser.js';
import { sampleReport } from './sample-report.js';

const HOSTILE = '</script><img src=x onerror="globalThis.owned=1">\u202e';
const MB = 1_000_000;

/** main → function → node:buffer → native, at lines that shift between the sides. */
function side(shift: number, held: Readonly<Record<string, number>>): DiffSide {
  const capture = new CaptureBuilder();
  const native = capture.native('/usr/bin/node', 0x10, 'node::Allocate()');
  const alloc = capture.js('alloc', 'node:buffer', 400);
  const leaks = new LeakAggregator();
  for (const [index, [name, bytes]] of Object.entries(held).entries()) {
    const main = capture.js('main', '/app/main.js', shift + index);
    const stack = capture.stack([native, alloc, capture.js(name, '/app/a.js', shift), main]);
    leaks.onAlloc(stack, bytes, 0, 1);
  }
  return { profile: leaks.leaked(), stacks: new NamedStacks(capture.tables), cwd: '/app' };
}

const before = side(10, { grow: 20 * MB, shrink: 9 * MB, old: 3 * MB, still: 2 * MB });
const after = side(14, { grow: 25 * MB, shrink: 4 * MB, [HOSTILE]: 6 * MB, still: 2 * MB });

function report(): FlamegraphReport {
  const { stats, timeline } = sampleReport();
  return diffFlamegraph({ before, after, stats, timeline });
}

describe('diffTree', () => {
  test('has each byte of both sides once, whatever the lines', () => {
    const { frames, tree } = diffTree(before, after);
    const names = tree.frame.map((frame) => frames[frame]?.name);
    expect(names.filter((name) => name === 'main')).toHaveLength(1);
    expect(names.filter((name) => name === 'grow')).toHaveLength(1);
    const sum = (column: readonly number[]) => column.reduce((a, b) => a + b, 0);
    expect(sum(tree.self_bytes)).toBe(37 * MB);
    expect(sum(tree.self_bytes_before)).toBe(34 * MB);
    expect(tree.self_bytes_before).toHaveLength(tree.parent.length);
  });
});

test('changeShare runs from gone to new', () => {
  const sides: [number, number][] = [
    [10, 0],
    [10, 5],
    [10, 10],
    [10, 20],
    [0, 10],
    [0, 0],
  ];
  expect(sides.map(([from, to]) => changeShare(from, to))).toEqual([-1, -0.5, 0, 0.5, 1, 0]);
});

describe('the page', () => {
  let browser: ReportBrowser;
  let address: string;
  beforeAll(async () => {
    browser = await ReportBrowser.launch();
    address = browser.write(renderFlamegraph(report()).html);
  });
  afterAll(() => browser.close());

  const detail = (page: Page) => page.locator('#detail').textContent();

  test('opens with the totals of both sides, hostile names inert', async () => {
    const { page, troubles } = await browser.open(address);
    expect(await page.title()).toContain('Memory never freed, compared');
    const figures = await page.locator('#figures').textContent();
    expect(figures).toContain('Change+3.00 MB8.82 %Before34.0 MBAfter37.0 MB');
    expect(await detail(page)).toBe('Everything — 34.0 MB before, 37.0 MB after, +3.00 MB');
    expect(await page.locator('#legend').textContent()).toBe('Grew+11.0 MBShrank−8.00 MBAs before');
    expect(await page.evaluate('globalThis.owned')).toBeUndefined();
    expect(troubles).toEqual([]);
    await page.context().close();
  });

  test('says before, after and change of a box', async () => {
    const { page } = await browser.open(address);
    const box = await page.locator('#canvas').boundingBox();
    if (box === null) throw new Error('no canvas');
    // Row 2 has the functions, the largest at the left.
    await page.mouse.move(box.x + 50, box.y + 2.5 * 21);
    const tooltip = await page.locator('#tooltip').textContent();
    expect(tooltip).toContain('grow');
    expect(tooltip).toMatch(/Before20\.0 MBAfter25\.0 MBChange\+5\.00 MB25\.0 % more/);
    await page.context().close();
  });

  test('colours what grew red and what shrank blue', async () => {
    const { page: graph } = await browser.open(address);
    const colourAt = (x: number) =>
      graph.evaluate(`Array.from(document.getElementById('canvas').getContext('2d')
        .getImageData(${x}, 2 * 21 + 3, 1, 1).data)`) as Promise<number[]>;
    const width = (await graph.locator('#canvas').boundingBox())?.width ?? 0;
    const whole = 25 + 9 + 6 + 3 + 2;
    const middle = (from: number, bytes: number) =>
      colourAt(Math.round(((from + bytes / 2) / whole) * width));
    const [r = 0, , b = 0] = await middle(0, 25);
    expect(r).toBeGreaterThan(b + 20);
    const [r2 = 0, , b2 = 0] = await middle(25, 9);
    expect(b2).toBeGreaterThan(r2 + 20);
    const [r3 = 0, , b3 = 0] = await middle(43, 2);
    expect(Math.abs(r3 - b3)).toBeLessThan(12);
    await graph.context().close();
  });

  test('finds, inverts and lists with the same numbers', async () => {
    const { page, troubles } = await browser.open(address);
    await page.fill('#search', 'shrink');
    const found = page.locator('#search-result');
    await expect.poll(() => found.textContent()).toBe('1 box · 4.00 MB after');
    await page.fill('#search', '');
    await page.click('#inverted');
    expect(await detail(page)).toBe('Everything — 34.0 MB before, 37.0 MB after, +3.00 MB');
    await page.click('#view-table');
    const rows = await page.locator('#table tbody tr').allTextContents();
    const grow = rows.find((row) => row.startsWith('grow'));
    expect(grow).toMatch(/\+5\.00 MB20\.0 MB25\.0 MB$/);
    const shrink = rows.find((row) => row.startsWith('shrink'));
    expect(shrink).toMatch(/−5\.00 MB9\.00 MB4\.00 MB$/);
    expect(troubles).toEqual([]);
    await page.context().close();
  });

  test('folds to its size limit and keeps the largest', async () => {
    const { html, folded } = renderFlamegraph(report(), { maxBytes: 1 });
    expect(folded.frames).toBeGreaterThan(0);
    expect(html).toContain('"isDifference":true');
  });
});
