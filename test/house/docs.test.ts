// SPDX-License-Identifier: MIT
// The documents: their links lead somewhere, and what they name exists.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { layers } from '../../scripts/check-layers.mjs';
import { root } from '../../scripts/sources.mjs';
import { type CommandEntry, commands } from '../../ts/cli/commands.js';
import { flagsOf, option } from '../../ts/cli/options.js';
import { resolveOptions } from '../../ts/tracker/options.js';
import { codes, links, type Page, readPage, rows } from '../support/markdown.js';

const listed = (pattern: string) =>
  execFileSync('git', ['ls-files', '-co', '--exclude-standard', pattern], { cwd: root })
    .toString()
    .split('\n')
    .filter((path) => path !== '' && existsSync(join(root, path)));

const pages = new Map(listed('*.md').map((path) => [path, readPage(path)]));
const each = [...pages.values()].map((page): [string, Page] => [page.path, page]);
const page = (path: string): Page => {
  const found = pages.get(path);
  if (!found) throw new Error(`there is no ${path}`);
  return found;
};

describe('links', () => {
  const target = (from: Page, link: string) => {
    const [path = '', anchor] = link.split('#');
    return { path: path === '' ? from.path : normalize(join(dirname(from.path), path)), anchor };
  };

  test.each(each)('of %s lead somewhere', (_, from) => {
    const broken = links(from).filter((link) => {
      if (link.startsWith('https://')) return false;
      const { path, anchor } = target(from, link);
      const there = existsSync(join(root, path)) && !path.startsWith('..');
      return !there || (anchor !== undefined && pages.get(path)?.anchors.has(anchor) !== true);
    });
    expect(broken).toEqual([]);
  });

  test('lead from README.md to each page of docs/, and to each picture', () => {
    const reached = new Set(['README.md']);
    for (const path of reached) {
      const from = pages.get(path);
      for (const link of from ? links(from) : []) reached.add(target(from as Page, link).path);
    }
    const missed = [...listed('docs/*.md'), ...listed('docs/*.png')].filter(
      (path) => !reached.has(path),
    );
    expect(missed).toEqual([]);
  });
});

test('pictures are small', () => {
  const pictures = listed('docs/*.png');
  expect(pictures.length).toBeGreaterThan(0);
  const large = pictures.filter((path) => statSync(join(root, path)).size > 400_000);
  expect(large).toEqual([]);
});

describe('commands', () => {
  const flags = ({ options }: CommandEntry) => [
    ...options.map((name) => flagsOf(option(name))),
    '-h, --help',
  ];

  test.each(commands.map((entry): [string, CommandEntry] => [entry.name, entry]))(
    'docs/commands/%s.md has the usage and the options, in order',
    (name, entry) => {
      const own = page(`docs/commands/${name}.md`);
      const usages = entry.usage.split(/\n */).map((line) => line.replace(/^memtape \w+ /, ''));
      const shown = own.fences[0]?.text.split('\n') ?? [];
      for (const usage of usages) expect(shown).toContain(`memtape ${name} ${usage}`);
      const documented = rows(own).flatMap(([first = '']) => codes(first));
      expect(documented).toEqual(flags(entry));
    },
  );

  test('are all in the table of docs/commands/README.md', () => {
    const named = rows(page('docs/commands/README.md')).flatMap(([first = '']) => codes(first));
    expect(named.sort()).toEqual(commands.map(({ name }) => name).sort());
  });

  /** Command lines that call memtape; those that show an error on purpose are left out. */
  function calls({ fences, prose }: Page): string[] {
    const shell = fences
      .filter(({ language }) => language === 'sh' || language === 'console')
      .flatMap(({ language, text }) => {
        const lines = text.split('\n');
        return lines.filter(
          (line, i) =>
            (language === 'sh' || line.startsWith('$ ')) &&
            !lines[i + 1]?.startsWith('memtape: unknown'),
        );
      });
    const inline = codes(prose).filter((code) => code.startsWith('memtape '));
    return [...shell, ...inline].flatMap((line) =>
      [...line.replace(/ # .*/, '').matchAll(/(?:^|[\s(])memtape ([^|;)]+)/g)].map(
        ([, words = '']) => words.trim(),
      ),
    );
  }

  /** What is wrong with a call, if anything. */
  function wrong(call: string): string | null {
    const [name = '', ...words] = call.split(/\s+/);
    if (/^(--help|--version|COMMAND|…)$/.test(name)) return null;
    const entry = commands.find((command) => command.name === name);
    if (!entry) return `${call}: no such command`;
    const known = [...entry.options.map((key) => option(key))];
    for (let i = 0; i < words.length; i++) {
      const word = words[i] ?? '';
      const found = known.find(({ short, long }) => word === short || word === long);
      if (found) i += found.required ? 1 : 0;
      else if (word.startsWith('-') && word !== '--' && word !== '--help')
        return `${call}: ${word}`;
      // What follows the script or the dashes is the program's.
      else if (entry.maxArgs === Number.POSITIVE_INFINITY) return null;
    }
    return null;
  }

  test('are called as they can be', () => {
    const all = each.flatMap(([, from]) => calls(from));
    expect(all.length).toBeGreaterThan(50);
    expect(all.map(wrong).filter(Boolean)).toEqual([]);
    expect(wrong('run -o a.bin --frce app.js')).toBe('run -o a.bin --frce app.js: --frce');
    expect(wrong('summry a.bin')).toBe('summry a.bin: no such command');
    expect(wrong('run -o a.bin app.js --frce')).toBeNull();
  });
});

describe('environment variables', () => {
  const read = (folder: string, pattern: RegExp) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.(cc|h|ts|cts)$/.test(path))
      .flatMap((path) => [...readFileSync(join(root, folder, path), 'utf8').matchAll(pattern)])
      .map(([, name = '']) => name);

  const used = new Set([
    ...read('cpp', /"(MEMTAPE_[A-Z_]+)"/g),
    ...read('ts', /\['(MEMTAPE_[A-Z_]+)'\]/g),
    ...read('ts', /\bname: '(MEMTAPE_[A-Z_]+)'/g),
  ]);

  test('that the code uses are in docs/environment.md, and no others', () => {
    const documented = rows(page('docs/environment.md')).flatMap(([first = '']) => codes(first));
    const own = documented.filter((name) => name.startsWith('MEMTAPE_'));
    expect(own.sort()).toEqual([...used].sort());
  });

  test('that documents mention exist', () => {
    const all = new Set([...used, ...read('test', /process\.env\['(MEMTAPE_[A-Z_]+)'\]/g)]);
    const mentioned = each.flatMap(
      ([, { text }]) => text.match(/(?<!ERR_)\bMEMTAPE_[A-Z_]+/g) ?? [],
    );
    expect(mentioned.filter((name) => !all.has(name))).toEqual([]);
  });
});

describe('docs/api.md', () => {
  const api = page('docs/api.md');
  const named = new Set(codes(api.text).flatMap((code) => code.match(/\w+/g) ?? []));
  const source = (path: string) => readFileSync(join(root, path), 'utf8');

  test('names every export', () => {
    const exports = [...source('ts/index.ts').matchAll(/^export (?:type )?\{([^}]*)\}/gm)];
    const values = exports.flatMap(([line, names = '']) =>
      line.startsWith('export type')
        ? []
        : names.split(',').filter((name) => name.trim() !== '' && !/\btype\b/.test(name)),
    );
    expect(values.length).toBeGreaterThan(4);
    expect(values.map((name) => name.trim()).filter((name) => !api.text.includes(name))).toEqual(
      [],
    );
  });

  test('has a row for every option', () => {
    let known = '';
    try {
      resolveOptions({ nosuch: 1 });
    } catch (error) {
      known = (error as { hint?: string }).hint ?? '';
    }
    const options = known.replace(/^known: /, '').split(', ');
    const documented = rows(api).flatMap(([first = '', type = '']) =>
      /^`(string|boolean|number)`/.test(type) ? codes(first) : [],
    );
    expect(documented.sort()).toEqual(options.sort());
  });

  test('has every field of the summary', () => {
    const [, body = ''] =
      /interface NativeSummary \{(.*?)^\}/ms.exec(source('ts/native/binding.ts')) ?? [];
    const fields = [...body.matchAll(/readonly (\w+):/g)].map(([, name = '']) => name);
    expect(fields.length).toBeGreaterThan(10);
    expect(fields.filter((name) => !named.has(name))).toEqual([]);
  });

  test('has the error codes that there are', () => {
    const pattern = /ERR_MEMTAPE_[A-Z_]+/g;
    const thrown = [
      'ts/decode/format-error.ts',
      'ts/decode/kernel.ts',
      'ts/native/binding.ts',
      'ts/tracker/tracker.ts',
      'ts/tracker/usage-error.ts',
    ]
      .flatMap((path) => source(path).match(pattern) ?? [])
      .sort();
    expect(thrown.filter((code) => !named.has(code))).toEqual([]);
    const documented = new Set(api.text.match(pattern));
    expect([...documented].filter((code) => !thrown.includes(code))).toEqual([]);
  });
});

describe('the house', () => {
  test('has a line for each folder in docs/architecture.md, with its number', () => {
    const folders = (['cpp', 'ts'] as const).flatMap((side) =>
      readdirSync(join(root, side), { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => [
          `\`${side}/${name}\``,
          String((layers[side] as Record<string, number>)[name]),
        ]),
    );
    const documented = rows(page('docs/architecture.md'))
      .filter(([first = '']) => /^`(cpp|ts)\//.test(first))
      .map((cells) => cells.slice(0, 2));
    expect(documented.sort()).toEqual(folders.sort());
  });

  test.each(each)('has the files that %s names', (_, { text }) => {
    const paths = codes(text).filter((code) =>
      /^(cpp|ts|scripts|test|docs|bench|examples|\.ci|\.github)\/[\w./-]*\w$/.test(code),
    );
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  test('has the scripts that are shown with `npm run`', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: Readonly<Record<string, string>>;
    };
    const shown = each.flatMap(([, { text }]) => [...text.matchAll(/npm run ([\w:-]+)/g)]);
    expect(shown.length).toBeGreaterThan(5);
    expect(shown.map(([, name = '']) => name).filter((name) => !(name in scripts))).toEqual([]);
  });

  test.each(each)('does not show in %s where its author works', (_, { text }) => {
    expect(text).not.toMatch(/\/(home|root|Users)\//);
  });
});
