// SPDX-License-Identifier: MIT
// Every report of the command is in the API, as data and rendered, and says the same there.
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commands } from '../../ts/cli/commands.js';
import * as api from '../../ts/index.js';
import { codes, readPage, rows } from '../support/markdown.js';
import { memtape } from '../support/memtape.js';

const APP = `const kept = [];
function grow() {
  for (let i = 0; i < 20; i++) kept.push(Buffer.alloc(100_003));
}
grow();
`;
let cwd = '';
beforeAll(() => {
  cwd = realpathSync(mkdtempSync(join(tmpdir(), 'memtape-api-')));
  writeFileSync(join(cwd, 'app.js'), APP);
  for (const output of ['a.bin', 'another.bin']) {
    const { status, stderr } = memtape(['run', '-q', '-o', output, 'app.js'], { cwd });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  }
});
afterAll(() => rmSync(cwd, { recursive: true }));

const WIDTH = 160;
const open = () => api.openCapture(join(cwd, 'a.bin'));
type Reports = { readonly [Name in keyof api.ReportsByName]: Case<api.ReportsByName[Name]> };
interface Case<Report> {
  readonly ask: (capture: api.Capture) => Promise<Report>;
  readonly render: (report: Report) => Promise<string>;
}

const pages = async (page: Promise<{ readonly html: string }>) => (await page).html;
const REPORTS: Reports = {
  flamegraph: {
    ask: (capture) => capture.flamegraph(),
    render: (report) => pages(api.renderFlamegraph(report)),
  },
  table: { ask: (capture) => capture.table(), render: (report) => pages(api.renderTable(report)) },
  summary: {
    ask: (capture) => capture.summary(),
    render: (report) => api.renderSummary(report, { width: WIDTH }),
  },
  stats: {
    ask: (capture) => capture.stats(),
    render: (report) => api.renderStats(report, { width: WIDTH }),
  },
  tree: {
    ask: (capture) => capture.tree(),
    render: (report) => api.renderTree(report, { width: WIDTH }),
  },
  leaks: {
    ask: (capture) => capture.leaks(),
    render: (report) => api.renderLeaks(report, { width: WIDTH }),
  },
  rss: {
    ask: (capture) => capture.rss(),
    render: (report) => api.renderRss(report, { width: WIDTH }),
  },
  diff: {
    ask: (capture) => capture.diff(capture),
    render: (report) => api.renderDiff(report, { width: WIDTH }),
  },
};

/** Those that make captures, the records, and the formats of other tools are no reports. */
const OTHERS = ['run', 'env', 'finalize', 'parse', 'transform'];
const names = commands.map(({ name }) => name).filter((name) => !OTHERS.includes(name));

test('the reports of the command are those of the API, and of its page', () => {
  expect(Object.keys(REPORTS).sort()).toEqual([...names].sort());
  const documented = rows(readPage('docs/api.md')).flatMap(([data = '', , rendering = '']) => {
    const [, name] = /^`capture\.(\w+)\(/.exec(data) ?? [];
    const [, render] = /^`(render\w+)\(/.exec(rendering) ?? [];
    return name === undefined || render === undefined ? [] : [[name, render]];
  });
  const capital = (name: string) => `${name[0]?.toUpperCase()}${name.slice(1)}`;
  const rendered = names.map((name) => [name, `render${capital(name)}`]);
  expect(documented.sort()).toEqual(rendered.sort());
  for (const [, render = ''] of rendered) expect(Object.keys(api)).toContain(render);
});

async function check<Name extends keyof api.ReportsByName>(name: Name): Promise<void> {
  const capture = await open();
  const report = await REPORTS[name].ask(capture);
  const rendered = await REPORTS[name].render(report);
  const csv = await api.renderCsv(name, report);
  await capture.close();
  const captures = name === 'diff' ? ['a.bin', 'a.bin'] : ['a.bin'];
  const printed = (...options: string[]) => {
    const { status, stdout, stderr } = memtape([name, ...options, ...captures], { cwd });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return stdout;
  };
  expect(JSON.parse(JSON.stringify(report))).toEqual(JSON.parse(printed('--json')));
  expect(csv).toBe(printed('--csv'));
  if (rendered.startsWith('<')) expect(rendered).toMatch(/^<!doctype html>/i);
  else expect(rendered).toBe(printed());
}

describe('as data and rendered, what the command prints:', () => {
  test.each(Object.keys(REPORTS) as (keyof api.ReportsByName)[])('%s', (name) => check(name));
});

/** Every key of some JSON; what is named by its content (an allocator, say) is none. */
function keysOf(value: unknown, keys = new Set<string>()): Set<string> {
  if (Array.isArray(value)) for (const item of value) keysOf(item, keys);
  else if (value !== null && typeof value === 'object') {
    for (const [key, item] of Object.entries(value)) {
      if (key === 'stats') continue;
      keys.add(key);
      if (!/_by_allocator$|^allocator_type/.test(key)) keysOf(item, keys);
    }
  }
  return keys;
}

/** Those that between them have all fields. */
const CALLS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  diff: [['a.bin', 'a.bin']],
  flamegraph: [
    ['--temporal', 'a.bin'],
    ['--temporal', '--leaks', 'a.bin'],
  ],
  stats: [['a.bin'], ['a.bin', 'another.bin']],
};

describe('docs/reports.md has each field of the JSON, and no others:', () => {
  const { text } = readPage('docs/reports.md');
  const section = (name: string) =>
    text.split(/^## /m).find((part) => part.startsWith(`${name}\n`)) ?? '';
  /** What is in the first cells, and what the second ones of columns tell of. */
  const fieldsOf = (name: string) =>
    section(name)
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) => {
        const [, first = '', rest = ''] = line.split('|');
        return { first: codes(first), all: [...codes(first), ...codes(rest)] };
      });

  test.each(names)('%s', (name) => {
    const keys = new Set<string>();
    for (const call of CALLS[name] ?? [['a.bin']]) {
      const { stdout } = memtape([name, '--json', ...call], { cwd });
      keysOf(JSON.parse(stdout), keys);
    }
    const documented = fieldsOf(name);
    const named = new Set(documented.flatMap(({ all }) => all));
    expect([...keys].filter((key) => !named.has(key))).toEqual([]);
    const promised = documented.flatMap(({ first }) => first);
    expect(promised.length).toBeGreaterThan(4);
    expect(promised.filter((key) => !keys.has(key) && key !== 'stats')).toEqual([]);
  });
});
