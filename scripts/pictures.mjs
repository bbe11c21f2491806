// SPDX-License-Identifier: MIT
// `npm run pictures`: takes the pictures of docs/images/ anew, from real recordings; `npm run pictures -- leaks tree` takes those
// two. Needs Chromium for pages, and test/real for the compiler.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { commands as real, folder as realFolder } from '../test/real/commands.mjs';
import { ansiToSvg } from './ansi-svg.mjs';
import { buildExamples } from './build-examples.mjs';
import { chromiumFlags, chromiumPath } from './chromium.mjs';
import { root } from './sources.mjs';

const cli = join(root, 'dist/cli.js');
const images = join(root, 'docs/images');
const COLUMNS = 116;

// Reports show paths: an unremarkable one, and the same each time.
const place = mkdtempSync(join(realpathSync(tmpdir()), 'memtape-'));
const app = join(place, 'app');
cpSync(join(root, 'examples'), join(app, 'examples'), { recursive: true });

/** @param {string[]} args @param {string} [cwd] */
function memtape(args, cwd = app) {
  const { status, stderr } = spawnSync(process.execPath, [cli, ...args], { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`memtape ${args.join(' ')}: ${stderr}`);
}

/** The program of docs/memory.md that fragments its heap. */
const fragmentation = () => {
  const text = readFileSync(join(root, 'docs/memory.md'), 'utf8');
  const code = [...text.matchAll(/^```js\n(.*?)^```$/gms)].map(([, inside = '']) => inside);
  return code.find((inside) => inside.includes('one in fifty')) ?? '';
};

/** Makes a capture in `app`, by its name. @type {Readonly<Record<string, (file: string) => void>>} */
const recordings = {
  listener: (file) =>
    memtape(['run', '-o', file, '--', 'node', '--expose-gc', 'examples/listener.mjs']),
  'listener-fixed': (file) =>
    memtape(['run', '-o', file, '--', 'node', '--expose-gc', 'examples/listener.mjs', '--fixed']),
  'native-addon': (file) => memtape(['run', '-o', file, 'examples/native-addon.mjs']),
  streams: (file) => memtape(['run', '--native', '-o', file, 'examples/open-streams.mjs']),
  backpressure: (file) => memtape(['run', '-o', file, 'examples/backpressure.mjs']),
  fragmentation: (file) => {
    writeFileSync(join(app, 'fragmentation.mjs'), fragmentation());
    memtape(['run', '-o', file, '--', 'node', '--expose-gc', 'fragmentation.mjs']);
  },
  tsc: (file) => memtape(['run', '-o', file, ...(real['tsc'] ?? [])], realFolder),
  sharp: (file) => memtape(['run', '-o', file, ...(real['sharp'] ?? [])], realFolder),
  canvas: (file) => memtape(['run', '-o', file, ...(real['canvas'] ?? [])], realFolder),
  // The build with names.
  wasm: (file) =>
    memtape(['run', '-o', file, 'programs/parse-trees.mjs', '3', 'debug'], realFolder),
  sqlite: (file) => {
    const node = join(realFolder, '../nodes/node_modules/node24/bin/node');
    memtape(['run', '-o', file, '--', node, ...(real['sqlite'] ?? [])], realFolder);
  },
};

const recorded = new Set();
/** The capture of that name, which is made when it is asked for first. @param {string} name */
function capture(name) {
  const file = join(app, `${name}.bin`);
  if (!recorded.has(name)) {
    console.log(`recording ${name} …`);
    recordings[name]?.(file);
    recorded.add(name);
  }
  return file;
}

/** What a terminal shows: a command line, and which captures it reads. @type {Readonly<Record<string, [string, string[]]>>} */
const terminals = {
  run: ['memtape run -o addon.bin examples/native-addon.mjs', []],
  env: ['memtape env -o /var/tmp/app.%p.bin | cut -c1-110', []],
  summary: ['memtape summary -r 12 listener.bin', ['listener']],
  stats: ['memtape stats -n 3 native-addon.bin', ['native-addon']],
  tree: ['memtape tree --leaks listener.bin | head -24 | cut -c1-116', ['listener']],
  leaks: ['memtape leaks -r 3 listener.bin', ['listener']],
  'diff-text': [
    'memtape diff --leaks -r 8 listener.bin listener-fixed.bin',
    ['listener', 'listener-fixed'],
  ],
  transform: ['memtape transform -f speedscope listener.bin', ['listener']],
  parse: [
    "memtape parse listener.bin | grep -m 12 -E '^(alloc|free|gc|sample|map)' | cut -c1-116",
    ['listener'],
  ],
  finalize: ['memtape finalize listener.bin', ['listener']],
};

/** @param {string} name */
function takeTerminal(name) {
  const [line = '', captures = []] = terminals[name] ?? [];
  for (const needed of captures) capture(needed);
  const bin = join(place, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, 'memtape'), `#!/bin/sh\nexec "${process.execPath}" "${cli}" "$@"\n`, {
    mode: 0o755,
  });
  const { NO_COLOR: _plain, ...environment } = process.env;
  const { stdout, status } = spawnSync(
    'script',
    ['-qec', `stty cols ${COLUMNS} rows 40; ${line}`, '/dev/null'],
    {
      cwd: app,
      encoding: 'utf8',
      env: { ...environment, TERM: 'xterm-256color', PATH: `${bin}:${process.env['PATH']}` },
    },
  );
  if (status !== 0) throw new Error(`${line}: ${stdout}`);
  const shown = stdout
    .replaceAll(app, '/srv/app')
    .replaceAll(root.replace(/\/$/, ''), '/usr/lib/node_modules/memtape');
  writeFileSync(join(images, `${name}.svg`), ansiToSvg(`\x1b[2m$\x1b[22m ${line}\n${shown}`, line));
}

/**
 * @typedef {import('playwright-core').Page} Page
 * @typedef {{ args: string[], captures: string[], height: number, act?: (page: Page) => Promise<void>, clip?: string }} Shot
 */

/** Points at the box with this function. @param {Page} page @param {number} depth */
async function pointAt(page, depth) {
  const box = await page.locator('#canvas').boundingBox();
  if (box) await page.mouse.move(box.x + box.width / 3, box.y + depth);
}

/** @type {Readonly<Record<string, Shot>>} */
const pages = {
  flamegraph: { args: ['flamegraph'], captures: ['tsc'], height: 820 },
  tooltip: {
    args: ['flamegraph'],
    captures: ['tsc'],
    height: 700,
    act: (page) => pointAt(page, 150),
  },
  table: {
    args: ['flamegraph'],
    captures: ['tsc'],
    height: 620,
    act: (page) => page.keyboard.press('v'),
  },
  temporal: {
    args: ['flamegraph', '--temporal'],
    captures: ['tsc'],
    height: 820,
    act: async (page) => {
      const box = await page.locator('#plot .u-over').boundingBox();
      if (!box) return;
      const y = box.y + box.height / 2;
      await page.mouse.move(box.x + box.width * 0.2, y);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width * 0.45, y, { steps: 4 });
      await page.mouse.up();
    },
  },
  native: { args: ['flamegraph'], captures: ['streams'], height: 760 },
  backpressure: { args: ['flamegraph'], captures: ['backpressure'], height: 620 },
  rows: {
    args: ['table'],
    captures: ['listener'],
    height: 760,
    act: (page) => page.locator('.opener').first().click(),
  },
  diff: {
    args: ['diff', '--leaks', '--html'],
    captures: ['listener', 'listener-fixed'],
    height: 720,
  },
  sharp: { args: ['flamegraph'], captures: ['sharp'], height: 700 },
  addon: { args: ['flamegraph', '--leaks'], captures: ['native-addon'], height: 700 },
  canvas: { args: ['flamegraph'], captures: ['canvas'], height: 560 },
  sqlite: { args: ['flamegraph'], captures: ['sqlite'], height: 560 },
  wasm: { args: ['flamegraph'], captures: ['wasm'], height: 850 },
  fragmentation: { args: ['flamegraph'], captures: ['fragmentation'], height: 290 },
  rss: { args: ['rss'], captures: ['fragmentation'], height: 900 },
};

/** @param {import('playwright-core').Browser} browser @param {string} name */
async function takePage(browser, name) {
  const shot = pages[name];
  if (!shot) return;
  const html = join(place, `${name}.html`);
  const files = shot.captures.map(capture);
  memtape([...shot.args, ...(shot.args[0] === 'diff' ? [html] : ['-o', html]), '-f', ...files]);
  const shown = readFileSync(html, 'utf8')
    .replaceAll(realFolder.replace(/\/$/, ''), '/srv/app')
    .replaceAll(join(realFolder, '../nodes/node_modules/node24'), '/usr/local')
    // Where the addon was built.
    .replaceAll(join(root, 'examples'), '/srv/app/examples')
    .replaceAll(app, '/srv/app');
  writeFileSync(html, shown);
  const context = await browser.newContext({
    viewport: { width: 1280, height: shot.height },
    reducedMotion: 'reduce',
    colorScheme: 'light',
  });
  const page = await context.newPage();
  await page.goto(pathToFileURL(html).href);
  await page.waitForSelector('html[data-ready]');
  await shot.act?.(page);
  await page.screenshot({ path: join(images, `${name}.png`) });
  await context.close();
}

try {
  buildExamples();
  const wanted = process.argv.slice(2);
  const all = [...Object.keys(terminals), ...Object.keys(pages)];
  const names = wanted.length > 0 ? wanted : all;
  const unknown = names.filter((name) => !all.includes(name));
  if (unknown.length > 0)
    throw new Error(`no such picture: ${unknown.join(', ')}; ${all.join(', ')}`);
  for (const name of names) if (name in terminals) takeTerminal(name);
  if (names.some((name) => name in pages)) {
    const { chromium } = await import('playwright-core');
    const browser = await chromium.launch({
      executablePath: chromiumPath(),
      args: chromiumFlags,
    });
    for (const name of names) if (name in pages) await takePage(browser, name);
    await browser.close();
  }
} finally {
  rmSync(place, { recursive: true, force: true });
}
