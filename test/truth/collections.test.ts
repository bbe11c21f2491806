// SPDX-License-Identifier: MIT
// What V8 allocates while it collects has the label "(GC)" above the function that the collection interrupted, and no native
// frames, whether other stacks have them or not.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folderOf } from '../support/folder.js';
import { nodes } from '../support/nodes.js';
import { readRecording, record } from '../support/recording.js';

const program = `
const kept = [];
function collects() {
  for (let i = 0; i < 20; i++) {
    for (let j = 0; j < 20000; j++) kept.push({ j });
    globalThis.gc();
  }
}
collects();
`;

/** A stack in a collection (docs/format.md §4.5). */
const IN_GC = 2;

test.each(nodes().flatMap((node) => ['0', '1'].map((native) => ({ ...node, native }))))(
  'on Node.js $version, native stacks $native',
  async ({ path, native }) => {
    const folder = folderOf({ 'app.cjs': program });
    const settings = native === '1' ? { MEMTAPE_NATIVE: '1' } : {};
    const recorded = record(path, ['--expose-gc', join(folder, 'app.cjs')], { folder, settings });
    expect(recorded.stderr).toBe('');
    const recording = await readRecording(recorded.capture);
    const { tables } = recording.end;
    const stacks = recording.allocated
      .map(({ stack }) => stack)
      .filter((stack) => ((tables.stackFlags.get(stack) ?? 0) & IN_GC) !== 0);
    expect(stacks).not.toEqual([]);
    for (const stack of stacks) {
      const kinds = tables.stackFrames(stack).map((id) => tables.frame(id)?.kind);
      expect(kinds[0]).toBe('label');
      expect(kinds).not.toContain('native');
      expect(recording.frames(stack)[0]?.name).toBe('(GC)');
    }
    const names = stacks.map((stack) => recording.frames(stack).map(({ name }) => name));
    expect(names.some((frames) => frames.includes('collects'))).toBe(true);
  },
);
