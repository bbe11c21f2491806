// SPDX-License-Identifier: MIT
// Several processes of one run in one report.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { ReportBrowser } from '../html/browser.js';
import { lastingFolderOf } from '../support/folder.js';
import { memtape } from '../support/memtape.js';

const APP = `const cluster = require('node:cluster');
const kept = [];
function grow(size) { kept.push(Buffer.alloc(size)); }
if (cluster.isPrimary) {
  let left = 2;
  for (const SIZE of ['3000017', '5000011']) cluster.fork({ SIZE });
  cluster.on('exit', () => { if (--left === 0) process.exit(0); });
} else {
  grow(Number(process.env.SIZE));
  process.exit(0);
}
`;

let recorded: { readonly cwd: string; readonly captures: readonly string[] } | undefined;

/** A cluster with two workers, recorded once for all tests here. */
function record() {
  if (recorded !== undefined) return recorded;
  const cwd = lastingFolderOf({ 'app.js': APP });
  const { status, stderr } = memtape(['run', '--follow', '-o', 'app.bin', 'app.js'], { cwd });
  if (status !== 0) throw new Error(stderr);
  const captures = readdirSync(cwd).filter((name) => name.endsWith('.bin'));
  const pids = captures.flatMap((name) => /\d+/.exec(name) ?? []);
  for (const pid of pids)
    expect(stderr).toMatch(new RegExp(`in one report: .* app\\.${pid}\\.bin`));
  recorded = { cwd, captures };
  return recorded;
}

const json = (...args: string[]) => JSON.parse(memtape(args, { cwd: record().cwd }).stdout);
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

test('all reports are of the sum of the processes, each at its own peak', {
  timeout: 90_000,
}, () => {
  const { captures } = record();
  expect(captures).toHaveLength(3);
  const each = captures.map((capture) => json('stats', '--json', capture));
  const stats = json('stats', '--json', ...captures);
  const peak = sum(each.map((one) => one.peak_memory));
  expect(stats.peak_memory).toBe(peak);
  const byPid = new Map(each.map((one) => [one.metadata.pid, one.peak_memory]));
  const processes: { pid: number; peak_memory: number; name: string }[] = stats.processes;
  expect(new Map(processes.map((one) => [one.pid, one.peak_memory]))).toEqual(byPid);

  const names = processes.map(({ name }) => name);
  for (const { name, pid } of processes)
    expect(name).toMatch(new RegExp(`app\\.js \\(pid ${pid}\\)$`));
  const { tree } = json('tree', '--json', '-b', '100000', ...captures);
  const roots: { function: string; bytes: number }[] = tree.children;
  expect(new Map(roots.map((node) => [node.function, node.bytes]))).toEqual(
    new Map(processes.map((one) => [one.name, one.peak_memory])),
  );
  expect(json('summary', '--json', ...captures)).toMatchObject({ total_bytes: peak });
  expect(json('flamegraph', '--json', ...captures).processes).toEqual(names);

  // The same line in both workers is one row; of each thread there is one with --split-threads.
  const grown = (...args: string[]) =>
    json('table', '--json', ...args, ...captures).rows.filter(
      (row: { function: string }) => row.function === 'grow',
    );
  expect(sum(grown().map((row: { bytes: number }) => row.bytes))).toBeGreaterThanOrEqual(8_000_028);
  const threads: string[] = grown('--split-threads').map((row: { thread: string }) => row.thread);
  const workers = processes.slice(1).map(({ pid }) => `main of ${pid}`);
  expect(new Set(threads.filter((name) => name.startsWith('main')))).toEqual(new Set(workers));
});

test('the page filters by process', { timeout: 60_000 }, async () => {
  const { cwd, captures } = record();
  const { stderr } = memtape(['flamegraph', '-o', 'all.html', ...captures], { cwd });
  expect(stderr).toBe('memtape: wrote all.html\n');
  const { processes } = json('stats', '--json', ...captures);
  const browser = await ReportBrowser.launch();
  try {
    const { page, troubles } = await browser.open(pathToFileURL(join(cwd, 'all.html')).href);
    expect(await page.title()).toContain('Heap of 3 processes, each at its own peak');
    expect(await page.locator('#filter-process option').count()).toBe(4);
    await page.selectOption('#filter-process', processes[1].name);
    const legend = page.locator('#filter-total');
    await expect.poll(() => legend.textContent()).toMatch(/ of .* · /);
    await page.fill('#search', 'grow');
    await expect.poll(() => page.locator('#search-result').textContent()).toMatch(/[35]\.00 MB/);
    expect(page.url()).toContain('process=node');
    await page.click('#filter-reset');
    await expect.poll(() => page.locator('#search-result').textContent()).toMatch(/8\.00 MB/);
    expect(troubles).toEqual([]);
  } finally {
    await browser.close();
  }
});

test('exports are of all of them', () => {
  const { cwd, captures } = record();
  const { status } = memtape(['transform', 'collapsed', '-o', 'all.txt', ...captures], { cwd });
  expect(status).toBe(0);
  const roots = new Set(
    readFileSync(join(cwd, 'all.txt'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split(';')[0]),
  );
  const { processes } = json('stats', '--json', ...captures);
  expect(roots).toEqual(new Set(processes.map(({ name }: { name: string }) => name)));
});

test.each([
  [['flamegraph', '--temporal', 'a.bin', 'b.bin'], '--temporal shows one process'],
  [['leaks', 'a.bin', 'b.bin'], 'too many arguments: b.bin (leaks is about one process)'],
  [['rss', 'a.bin', 'b.bin'], 'too many arguments: b.bin (rss is about one process)'],
  [['table', 'a.bin', './a.bin'], './a.bin is given twice'],
  [['transform', 'csv'], 'no capture given'],
])('%s: wrong use', (args, message) => {
  const cwd = lastingFolderOf({ 'a.bin': '' });
  const { status, stderr } = memtape(args, { cwd });
  expect(stderr.split('\n')[0]).toContain(message);
  expect(stderr.split('\n')[1]).toMatch(/^hint: /);
  expect(status).toBe(2);
});
