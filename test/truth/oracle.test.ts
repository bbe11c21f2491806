// SPDX-License-Identifier: MIT
// The scripts themselves are right: V8's own Error.stack, taken in the addon at each allocation, says what they claim.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { missingNodes, nodes } from '../support/nodes.js';
import { buildPrograms, run } from '../support/programs.js';
import { disagreement, type Expectation, expectationsOf, type SeenFrame } from './expectations.js';
import { readOracle } from './oracle.js';
import { type Script, scripts } from './scripts.js';

const folder = mkdtempSync(join(tmpdir(), 'memtape-oracle-'));
beforeAll(buildPrograms);
afterAll(() => rmSync(folder, { recursive: true }));

function parseOracle(path: string): Map<number, SeenFrame[][]> {
  const stacks = new Map<number, SeenFrame[][]>();
  for (const { size, frames } of readOracle(path)) {
    const known = stacks.get(size) ?? [];
    known.push([...frames]);
    stacks.set(size, known);
  }
  return stacks;
}

// The oracle is asked about all calls of a line up to this count, and about a part of more.
const maxCount = 100;

function problems(
  expectations: readonly Expectation[],
  seen: Map<number, SeenFrame[][]>,
): string[] {
  return expectations.flatMap((wanted) => {
    const stacks = seen.get(wanted.size) ?? [];
    const where = `${wanted.file}:${wanted.line} (${wanted.size})`;
    const right = wanted.count > maxCount ? stacks.length > 0 : stacks.length === wanted.count;
    const count = right ? [] : [`${where}: ${stacks.length} times`];
    const wrong = stacks.flatMap((frames) => disagreement(wanted, frames) ?? []);
    return [...count, ...new Set(wrong.map((text) => `${where}: ${text}`))];
  });
}

function ask(script: Script, node: string): Map<number, SeenFrame[][]> {
  const path = join(folder, `${script.name}.oracle`);
  rmSync(path, { force: true });
  const flags = ['--enable-source-maps', '--stack-trace-limit=50'];
  const result = run(node, [...flags, ...script.args], {
    env: { ...script.env, TRUTH_ORACLE: path },
  });
  expect(result.stderr).toBe('');
  expect(result.status).toBe(0);
  return parseOracle(path);
}

test('all Node.js versions are installed', () => {
  expect(missingNodes()).toEqual([]);
});

// The oracle cannot see what has no JavaScript stack, what does not go through the addon, and source maps of code that
// Node.js did not load itself.
const unseen = new Set(['threads.cjs', 'buffers.cjs', 'memory.cjs']);

describe.each(nodes())('Node.js $version', ({ path }) => {
  for (const script of scripts(folder).filter(({ name }) => !unseen.has(name))) {
    test(`${script.name} says where it allocates`, () => {
      const expectations = expectationsOf(script.sources);
      expect(expectations.length).toBeGreaterThan(0);
      const wrong = problems(expectations, ask(script, path));
      expect(wrong, wrong.join('\n')).toEqual([]);
    });
  }
});
