// SPDX-License-Identifier: MIT
// docs/tutorial.md and the first screen of README.md do what they say: their commands find the line that is named, first, and
// no more after the fix.
import { cpSync, readFileSync } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildExamples } from '../../scripts/build-examples.mjs';
import { expectExcerpt, sameHabits } from '../support/documented.js';
import { temporaryFolder } from '../support/folder.js';
import { readPage } from '../support/markdown.js';
import { checkBundle, cli, finish, top } from '../support/memtape.js';
import { type NodeBinary, nodes } from '../support/nodes.js';

/** A machine that stands still for two minutes must not end a step: what a step does is no matter of time. */
const STEP_MS = 240_000;
const TEST_MS = 600_000;

interface Step {
  readonly command: readonly string[];
  readonly documented: string;
}

interface Chapter {
  readonly title: string;
  readonly steps: readonly Step[];
  /** As `examples/closure.mjs`. */
  readonly file: string;
  readonly line: number;
  /** The text of that line. */
  readonly source: string;
  /** All that is shown of the file. */
  readonly shown: readonly string[];
}

function stepsOf(console: string): Step[] {
  return console.split(/^\$ /m).flatMap((part) => {
    const [command = '', ...output] = part.split('\n');
    return command === '' ? [] : [{ command: command.split(' '), documented: output.join('\n') }];
  });
}

const fences = (text: string, language: string) =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms'))].map(
    ([, inside = '']) => inside,
  );

function chapterOf(text: string): Chapter {
  const [, file = '', line = ''] =
    /\*\*[Tt]he line\*\* is\s`(examples\/[\w.-]+):(\d+)`/.exec(text) ?? [];
  const shown = fences(text, 'js');
  return {
    title: text.split('\n', 1)[0] ?? '',
    steps: fences(text, 'console').flatMap(stepsOf),
    file,
    line: Number(line),
    source: shown[0]?.trim() ?? '',
    shown: shown.flatMap((code) => code.split('\n').map((row) => row.trim())).filter(Boolean),
  };
}

const chapters = readPage('docs/tutorial.md').text.split(/^## /m).slice(1).map(chapterOf);

/** Runs a command of the tutorial in `cwd`, which the tutorial calls /srv/app. */
function run({ command }: Step, node: NodeBinary, cwd: string): string {
  const [name, ...args] = command;
  expect(name).toBe('memtape');
  const { status, stdout, stderr } = finish(node.path, [cli, ...args], {
    cwd,
    timeout: STEP_MS,
    env: { PATH: `${dirname(node.path)}${delimiter}${process.env['PATH']}` },
  });
  expect({ status, command, stderr: status === 0 ? '' : stderr }).toMatchObject({ status: 0 });
  return `${stdout}${stderr}`.replaceAll(cwd, '/srv/app');
}

/** The first row below a heading. */
const firstBelow = (heading: RegExp, output: string) => {
  const lines = output.split('\n');
  return lines[lines.findIndex((line) => heading.test(line)) + 1] ?? '';
};

const HEADINGS = [/^memtape: who held the peak$/, /^ *Growth .*Location$/, /^ *Change .*Location$/];

/** Each list in an output begins with the place. */
function expectFirst(output: string, { file, line }: Pick<Chapter, 'file' | 'line'>): void {
  const place = new RegExp(`[:/]?${file.replaceAll('.', '\\.')}:${line}(→\\d+)?( |$)`);
  const rows = HEADINGS.filter((heading) => output.split('\n').some((text) => heading.test(text)));
  for (const heading of rows) expect(firstBelow(heading, output), output).toMatch(place);
}

/** What the place held before and after, by the last command. */
function changeOf({ command }: Step, { file, line }: Chapter, cwd: string) {
  const [, ...args] = command;
  const options = { cwd, timeout: STEP_MS };
  const { stdout } = finish(process.execPath, [cli, ...args, '--json'], options);
  const { rows } = JSON.parse(stdout) as {
    rows: readonly {
      file: string;
      line_before: number;
      bytes_before: number;
      bytes_after: number;
    }[];
  };
  return rows.find((row) => row.file.endsWith(file) && row.line_before === line);
}

const versions = nodes().filter(({ major }) => major === 20 || major === 24);
const cases = chapters.flatMap((chapter) =>
  versions.map((node): [string, number, Chapter, NodeBinary] => [
    chapter.title,
    node.major,
    chapter,
    node,
  ]),
);

/** A folder with the examples in it. */
function examplesFolder(): string {
  const cwd = temporaryFolder();
  cpSync(join(top, 'examples'), join(cwd, 'examples'), { recursive: true });
  return cwd;
}

beforeAll(() => {
  checkBundle();
  buildExamples();
}, 180_000);

test('README.md: what memtape answers', { timeout: TEST_MS }, () => {
  const text = readPage('README.md').text;
  const steps = stepsOf(fences(text, 'console')[0] ?? '');
  expect(steps.map(({ command }) => command[1])).toEqual(['run', 'leaks']);
  const [node] = nodes();
  const cwd = examplesFolder();
  for (const step of steps) {
    const output = node ? run(step, node, cwd) : '';
    expectFirst(output, { file: 'examples/native-addon.mjs', line: 18 });
    // How fast memory grew, and so the verdict, is a matter of how fast the machine is.
    if (sameHabits) expectExcerpt(output, step.documented.replace(/^leak from .*$/m, '…'));
  }
});

describe('docs/tutorial.md', () => {
  test('has six leaks', () => expect(chapters.map(({ file }) => file)).toHaveLength(6));

  test.each(chapters)('$title: shows lines that are in the example', (chapter) => {
    const lines = readFileSync(join(top, chapter.file), 'utf8').split('\n');
    expect(lines[chapter.line - 1]?.trim()).toBe(chapter.source);
    const texts = new Set(lines.map((line) => line.trim()));
    expect(chapter.shown.filter((line) => !texts.has(line))).toEqual([]);
  });

  test.each(cases)('%s, on Node.js %i', { timeout: TEST_MS }, (_, __, chapter, node) => {
    const cwd = examplesFolder();
    for (const step of chapter.steps) {
      const output = run(step, node, cwd);
      if (!step.command.includes('-q')) expectFirst(output, chapter);
      if (sameHabits && node.path === process.execPath) expectExcerpt(output, step.documented);
    }
    const last = chapter.steps.at(-1);
    const change = last && changeOf(last, chapter, cwd);
    expect(change?.bytes_before).toBeGreaterThan(30e6);
    expect(change?.bytes_after).toBeLessThan(0.15 * (change?.bytes_before ?? 0));
    expect(basename(chapter.file)).toBe(basename(chapter.steps[0]?.command.at(-1) ?? ''));
  });
});
