// SPDX-License-Identifier: MIT
// Native stacks of a real program know whose machine code each frame is: V8's builtins too, which Node.js 20 maps twice.
import { beforeAll, expect, test } from 'vitest';
import { commands, folder as realFolder } from '../real/commands.mjs';
import { temporaryFolder } from '../support/folder.js';
import { checkBundle } from '../support/memtape.js';
import { nodes } from '../support/nodes.js';
import { readRecording, record } from '../support/recording.js';

beforeAll(checkBundle);

test.each(nodes())('express on Node.js $version', { timeout: 60_000 }, async ({ path }) => {
  const settings = { MEMTAPE_NATIVE: '1' };
  const options = { folder: temporaryFolder(), settings, cwd: realFolder };
  const { capture, status } = record(path, commands['express'] ?? [], options);
  expect(status).toBe(0);
  const recording = await readRecording(capture, []);
  let [javascript, unknown] = [0, 0];
  for (const { stack, count } of recording.allocated) {
    const frames = recording.frames(stack);
    if (!frames.some(({ kind }) => kind === 'js')) continue;
    javascript += count;
    if (frames.some(({ name }) => name === '(machine code of unknown origin)')) unknown += count;
  }
  expect(javascript).toBeGreaterThan(20_000);
  // Functions of Node.js that ran before the recording could know them.
  expect(unknown / javascript).toBeLessThan(0.002);
});
