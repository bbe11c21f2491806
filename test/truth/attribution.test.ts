// SPDX-License-Identifier: MIT
// Every byte is attributed to the JavaScript line that asked for it, and to no other: on every Node.js version, in every
// tier, on every kind of thread. oracle.test.ts proves by V8's own stacks that the scripts' claims are right.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isNodeInternal } from '../../ts/model/frame.js';
import { nodes } from '../support/nodes.js';
import { buildPrograms, programs } from '../support/programs.js';
import { type Recording, readRecording, record } from '../support/recording.js';
import { disagreement, type Expectation, expectationsOf, type SeenFrame } from './expectations.js';
import { type Script, scripts } from './scripts.js';

const folder = mkdtempSync(join(tmpdir(), 'memtape-attribution-'));
beforeAll(buildPrograms);
afterAll(() => rmSync(folder, { recursive: true }));

/** JavaScript frames of the script, leaf first. */
function scriptFrames(recording: Recording, stack: number): SeenFrame[] {
  return recording
    .frames(stack)
    .filter(({ kind, file }) => kind === 'js' && !isNodeInternal(file))
    .map((frame) => ({ ...frame, name: frame.name.replace(/^(?:get|set) /, '') }));
}

function problem(wanted: Expectation, recording: Recording, stack: number): string | undefined {
  const frames = scriptFrames(recording, stack);
  if (wanted.native === undefined) return disagreement(wanted, frames);
  const leaf = recording.nativeLeaf(stack);
  if (leaf?.file !== programs.addon || leaf.name !== wanted.native) return `in ${leaf?.name}`;
  return frames.length > 0 ? `with JavaScript: ${frames[0]?.name}` : undefined;
}

function problemsOf(wanted: Expectation, recording: Recording): string[] {
  const stacks = [...recording.stacksOfSize(wanted.size)];
  const total = stacks.reduce((sum, [, count]) => sum + count, 0);
  const where = `${wanted.file}:${wanted.line} (${wanted.size})`;
  const wrong = stacks.flatMap(([stack, count]) => {
    const text = problem(wanted, recording, stack);
    return text === undefined ? [] : [`${where}: ${count} of ${total} ${text}`];
  });
  return total === wanted.count
    ? wrong
    : [`${where}: ${total} times, not ${wanted.count}`, ...wrong];
}

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
      const problems = expectations.flatMap((wanted) => problemsOf(wanted, recording));
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
