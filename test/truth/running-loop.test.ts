// SPDX-License-Identifier: MIT
// A Tracker that starts in the middle of a loop, or between two: V8 has replaced the loop's code on the stack by optimized
// code that it does not list. What runs in it is attributed like everything else.
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { folderOf } from '../support/folder.js';
import { checkBundle, finish, top } from '../support/memtape.js';
import { nodes } from '../support/nodes.js';
import { buildPrograms, programs } from '../support/programs.js';
import { readRecording } from '../support/recording.js';
import { disagreement, expectationsOf } from './expectations.js';

beforeAll(() => {
  checkBundle();
  buildPrograms();
});

const program = `import { createRequire } from 'node:module';
import { Tracker } from ${JSON.stringify(`${top}dist/index.js`)};
const addon = createRequire(import.meta.url)(process.env.TRUTH_ADDON);
let tracker;
const start = () => {
  tracker = new Tracker('loop.bin');
};
// Too many for the call to be inlined: the loop's code stays when one of them starts to record.
const actions = [() => 0, () => 1, () => 2, () => 3, () => 4, () => 5, start];
function leaf() {
  addon.mallocAndFree(120563); //= leaf < loop x51000
}
function earlier(rounds) {
  for (let i = 0; i < rounds; i++) {
    addon.mallocAndFree(120577); //= earlier < later x1000
  }
}
function later() {
  earlier(1000);
}
function loop(rounds, first) {
  for (let i = 0; i < rounds; i++) {
    actions[i === first ? 6 : i % 6]();
    leaf();
    addon.mallocAndFree(120569); //= loop x51000
  }
}
earlier(200000);
loop(200000, 150000);
later();
// Once more, in the same code.
loop(1000, -1);
tracker.stop();
`;

test.each(nodes())('on Node.js $version', async ({ path }) => {
  const folder = folderOf({ 'app.mjs': program });
  const app = join(folder, 'app.mjs');
  const env = { TRUTH_ADDON: programs.addon };
  const { status, stderr } = finish(path, [app], { cwd: folder, env });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const expectations = expectationsOf([app]);
  const recording = await readRecording(
    join(folder, 'loop.bin'),
    expectations.map(({ size }) => size),
  );
  for (const wanted of expectations) {
    const stacks = [...recording.stacksOfSize(wanted.size)];
    const wrong = stacks.flatMap(([stack, count]) => {
      const frames = recording.frames(stack).filter(({ kind }) => kind === 'js');
      return (disagreement(wanted, frames) ?? false)
        ? [`${count} ${disagreement(wanted, frames)}`]
        : [];
    });
    expect(wrong).toEqual([]);
    expect(stacks.reduce((sum, [, count]) => sum + count, 0)).toBe(wanted.count);
  }
  const names = new Set([...recording.allFrames()].map(({ name }) => name));
  expect(names).not.toContain('(machine code of unknown origin)');
});
