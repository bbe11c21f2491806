// SPDX-License-Identifier: MIT
// The programs in the documents run and print what the documents say, as far as machines agree.
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { expectOutput, numbers, words } from '../support/documented.js';
import { folderOf } from '../support/folder.js';
import { readPage } from '../support/markdown.js';
import { checkBundle, finish, top } from '../support/memtape.js';
import { nodes } from '../support/nodes.js';

function run(code: string, node = process.execPath): string {
  const cwd = folderOf({ 'example.mjs': code });
  const { status, stdout, stderr } = finish(node, ['--expose-gc', 'example.mjs'], {
    cwd,
    // Reading certificates at the start would be the largest number of all.
    env: { NODE_EXTRA_CA_CERTS: '' },
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

describe('docs/memory.md', () => {
  const { text } = readPage('docs/memory.md');
  const examples = [...text.matchAll(/^```js\n(.*?)^```\n\n```text\n(.*?)^```$/gms)].map(
    ([, code = '', output = '']): [string, string, string] => [words(output), code, output],
  );

  test('has an output for each example', () => {
    expect(examples.length).toBeGreaterThan(7);
    expect(examples.length).toBe(text.match(/^```js$/gm)?.length);
  });

  test.each(examples)('%s', (_, code, output) => expectOutput(run(code), output));

  // "On Node.js 22, 24 and 26 more than 150 MB stay"
  const later = nodes().filter(({ major }) => [22, 24, 26].includes(major));
  test.each(later)('pages stay in a pool of V8 on Node.js $major', ({ path }) => {
    const [, code = ''] =
      examples.find(([output]) =>
        output.includes('million objects: heapUsed N, heapTotal N, young'),
      ) ?? [];
    const [, heapTotal, , rss] = numbers(run(code, path).split('\n')[2]?.split(':')[1] ?? '');
    expect(rss).toBeGreaterThan(150);
    expect((rss ?? 0) - (heapTotal ?? 0)).toBeGreaterThan(50);
  });
});

describe('docs/api.md', () => {
  const { fences } = readPage('docs/api.md');
  const index = pathToFileURL(`${top}dist/index.js`).href;
  const imported = (code: string) => code.replace("'memtape'", `'${index}'`);

  test('what is still alive', () => {
    checkBundle();
    const at = fences.findIndex((fence) => fence.text.includes("new Tracker('cache.bin')"));
    const [, documented = ''] = /^(\{.*\})$/m.exec(fences[at + 1]?.text ?? '') ?? [];
    const output = run(imported(fences[at]?.text ?? ''));
    expectOutput(output, documented);
    // 300 of 1000 Buffers are in the cache.
    const live = Number(/liveBytes: (\d+)/.exec(output)?.[1]);
    expect(live).toBeGreaterThan(300 * 50_000);
    expect(live).toBeLessThan(310 * 50_000);
  });

  const examples = fences.flatMap(({ language, text }, i): [string, string][] =>
    language === 'text' ? [[text, fences[i - 1]?.text ?? '']] : [],
  );
  test('reads captures in several examples', () => expect(examples.length).toBeGreaterThan(3));

  test.each(examples)('%s', (output, code) => {
    checkBundle();
    expect(run(imported(code))).toBe(output);
  });
});
