// SPDX-License-Identifier: MIT
// Every byte is attributed to the JavaScript line that asked for it, and to no other: on every Node.js version, in every
// tier, on every kind of thread. oracle.test.ts proves by V8's own stacks that the scripts' claims are right.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nodes } from '../support/nodes.js';
import { buildPrograms } from '../support/programs.js';
import { type Recording, readRecording, record } from '../support/recording.js';
import { attributionProblems } from './attribution.js';
import { type Expectation, expectationsOf } from './expectations.js';
import { type Script, scripts } from './scripts.js';

const folder = mkdtempSync(join(tmpdir(), 'memtape-attribution-'));
beforeAll(buildPrograms);
afterAll(() => rmSync(folder, { recursive: true }));

async function attribute(script: Script, node: string) {
  const expectations = expectationsOf(script.sources);
  const recorded = record(node, script.args, { folder, env: script.env });
  expect(recorded.stderr).toBe('');
  expect(recorded.status).toBe(0);
  const sizes = new Set(expectations.map(({ size }) => size));
  const recording = await readRecording(recorded.capture, sizes);
  return { expectations, recorded, recording };
}

/** The kinds of the leaf JavaScript frames that allocated on the line of this function. */
function tiersOf(
  name: string,
  expectations: readonly Expectation[],
  recording: Recording,
): Set<string> {
  const sizes = expectations.filter(({ chain }) => chain[0] === name).map(({ size }) => size);
  const stacks = sizes.flatMap((size) => [...recording.stacksOfSize(size).keys()]);
  return new Set(stacks.flatMap((stack) => recording.tiers(stack)[0] ?? []));
}

describe.each(nodes())('Node.js $version', ({ path, major }) => {
  for (const script of scripts(folder)) {
    test(script.name, async () => {
      const { expectations, recording } = await attribute(script, path);
      expect(recording.end.metadata.jsStacks).toBe('frames');
      const problems = attributionProblems(expectations, recording);
      expect(problems, problems.join('\n')).toEqual([]);
    });
  }

  test('frames say in which tier they ran', async () => {
    const tiers = scripts(folder).find(({ name }) => name === 'tiers.cjs');
    if (!tiers) throw new Error('tiers.cjs is not among the scripts');
    const { expectations, recorded, recording } = await attribute(tiers, path);
    const reached = JSON.parse(recorded.stdout.trim().split('\n').at(-1) ?? '') as object;
    const maglev = major >= 24 ? 'Maglev' : 'Ignition'; // earlier ones are built without it
    expect(reached).toMatchObject({ baseline: 'Sparkplug', maglev, turbofan: 'Turbofan' });
    expect(tiersOf('interpreted', expectations, recording)).toEqual(new Set(['interpreted']));
    expect(tiersOf('baseline', expectations, recording)).toContain('baseline');
    expect(tiersOf('turbofan', expectations, recording)).toContain('turbofan');
    if (major >= 24) expect(tiersOf('maglev', expectations, recording)).toContain('maglev');
  });
});
