// SPDX-License-Identifier: MIT
// An addon that is loaded while a Tracker runs in a program that was started normally.
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { folderOf } from '../support/folder.js';
import { checkBundle, finish, top } from '../support/memtape.js';
import { nodes } from '../support/nodes.js';
import { buildPrograms, programs } from '../support/programs.js';
import { readRecording } from '../support/recording.js';

const SIZE = 100_003;
const COUNT = 100;

beforeAll(() => {
  checkBundle();
  buildPrograms();
});

test.each(nodes())('on Node.js $version is recorded', async ({ path }) => {
  const folder = folderOf({
    'app.mjs': `import { Tracker } from ${JSON.stringify(`${top}dist/index.js`)};
      const tracker = new Tracker('late.bin');
      const addon = { exports: {} };
      process.dlopen(addon, ${JSON.stringify(programs.addon)});
      for (let i = 0; i < ${COUNT}; i++) addon.exports.malloc(${SIZE});
      tracker.stop();`,
  });
  const { status, stderr } = finish(path, [join(folder, 'app.mjs')], { cwd: folder });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const recording = await readRecording(join(folder, 'late.bin'), [SIZE]);
  const counts = [...recording.stacksOfSize(SIZE).values()];
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(COUNT);
});
