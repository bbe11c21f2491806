// SPDX-License-Identifier: MIT
// What V8 inlines is attributed as if it did not: the same programs with and without inlining, and V8's own Error.stack.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nodes } from '../support/nodes.js';
import { buildPrograms, programs, run } from '../support/programs.js';
import { attribution, callsOf, disagreements, type Program } from './calls.js';

const folder = mkdtempSync(join(tmpdir(), 'memtape-inlining-'));
beforeAll(buildPrograms);
afterAll(() => rmSync(folder, { recursive: true }));

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const known: Program = {
  name: 'known call chains',
  args: [here('fixtures/inlining.cjs')],
  source: here('fixtures/inlining.cjs'),
};
const formatted = here('../real/node_modules/express/lib/response.js');
const prettier: Program = {
  name: 'prettier',
  args: [
    here('fixtures/prettier-calls.mjs'),
    here('../real/node_modules/prettier/index.mjs'),
    formatted,
  ],
  source: here('fixtures/prettier-calls.mjs'),
};

const noInlining = ['--no-turbo-inlining', '--no-maglev-inlining'];

/** Keys whose counts differ. */
function differences(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): string[] {
  const keys = new Set([...a.keys(), ...b.keys()]);
  return [...keys].flatMap((key) =>
    a.get(key) === b.get(key) ? [] : [`${a.get(key) ?? 0} and ${b.get(key) ?? 0} of ${key}`],
  );
}

/** Functions of the fixture that V8 says it inlined. */
function inlinedFunctions(node: string, flags: readonly string[]): Set<string> {
  const trace = ['--trace-turbo-inlining', '--trace-maglev-inlining'];
  const env = { TRUTH_ADDON: programs.addon };
  const { stdout } = run(node, [...trace, ...flags, ...known.args], { env });
  const names = stdout.matchAll(/^(?:== | *greedy )?inlining .*<SharedFunctionInfo (.+?)>/gim);
  return new Set(Array.from(names, ([, name]) => name ?? ''));
}

async function compare(program: Program, node: string, flags: readonly string[]): Promise<void> {
  const inlined = await callsOf(program, node, flags, folder);
  const plain = await callsOf(program, node, [...flags, ...noInlining], folder);
  expect(inlined.stdout).toBe(plain.stdout);
  expect(inlined.calls.length).toBeGreaterThan(100_000);
  expect(inlined.oracle.length).toBeGreaterThan(1000);
  for (const calls of [inlined, plain]) expect(disagreements(calls).slice(0, 5)).toEqual([]);
  expect(differences(attribution(inlined), attribution(plain)).slice(0, 5)).toEqual([]);
}

const options = { timeout: 120_000 };

describe.each(nodes())('Node.js $version', ({ path, major }) => {
  // Where there is Maglev, only what is hot for long is TurboFan's: without Maglev more is.
  const modes = major >= 24 ? [{ flags: [] }, { flags: ['--no-maglev'] }] : [{ flags: [] }];

  test('V8 inlines what the fixture means it to, and not when told so', () => {
    // Not which: compilers on several threads write over each other's lines.
    for (const { flags } of modes) expect(inlinedFunctions(path, flags).size).toBeGreaterThan(10);
    expect(inlinedFunctions(path, noInlining)).toEqual(new Set());
  });

  test.each(modes)('known call chains, %j', options, ({ flags }) => compare(known, path, flags));

  test('prettier', options, () => compare(prettier, path, []));
});
