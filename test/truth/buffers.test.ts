// SPDX-License-Identifier: MIT
// Memory of Buffers: the pool that small ones share, and what V8's sweeper gives back on a thread of its own.
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { folderOf } from '../support/folder.js';
import { checkBundle, finish, top } from '../support/memtape.js';
import { nodes } from '../support/nodes.js';
import { type Recording, readRecording } from '../support/recording.js';

beforeAll(checkBundle);

async function recorded(node: string, source: string): Promise<[Recording, string]> {
  const folder = folderOf({
    'app.mjs': `import { Tracker } from ${JSON.stringify(`${top}dist/index.js`)};\n${source}`,
  });
  const app = ['--expose-gc', join(folder, 'app.mjs')];
  const { status, stdout, stderr } = finish(node, app, { cwd: folder });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return [await readRecording(join(folder, 'buffers.bin')), stdout];
}

function sumOf(recording: Recording, which: 'allocated' | 'live', name: string) {
  const groups = recording[which].filter(({ stack }) =>
    recording.frames(stack).some((frame) => frame.name === name && frame.kind === 'js'),
  );
  return {
    bytes: groups.reduce((sum, { bytes }) => sum + bytes, 0),
    count: groups.reduce((sum, { count }) => sum + count, 0),
  };
}

describe.each(nodes())('Node.js $version', ({ path }) => {
  test('refills of the pool are labelled', async () => {
    const [recording, stdout] = await recorded(
      path,
      `const kept = [];
      const tracker = new Tracker('buffers.bin');
      // Three of these leave no room for a fourth.
      for (let i = 0; i < 30; i++) kept.push(Buffer.allocUnsafe(Math.floor(Buffer.poolSize / 3.1)));
      tracker.stop();
      console.log(Buffer.poolSize, new Set(kept.map(({ buffer }) => buffer)).size);`,
    );
    const [poolBytes, pools] = stdout.trim().split(' ').map(Number) as [number, number];
    const refills = sumOf(recording, 'allocated', 'createPool (Buffer pool)');
    expect(pools).toBeGreaterThanOrEqual(10);
    // The first may be older than the recording; each comes with a small block of V8's.
    expect(refills.bytes).toBeGreaterThanOrEqual((pools - 1) * poolBytes);
    expect(refills.bytes).toBeLessThan((pools + 1) * poolBytes);
  });

  test('what the sweeper freed is gone', async () => {
    const [recording] = await recorded(
      path,
      `function make() {
        for (let i = 0; i < 300; i++) new Uint8Array(100_003);
      }
      const tracker = new Tracker('buffers.bin');
      make();
      // Its thread is done when nothing is left.
      while (process.memoryUsage().arrayBuffers > 1e6) {
        globalThis.gc();
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      globalThis.gc();
      tracker.stop();`,
    );
    expect(sumOf(recording, 'allocated', 'make').bytes).toBeGreaterThanOrEqual(300 * 100_003);
    expect(sumOf(recording, 'live', 'make').bytes).toBeLessThan(1e6);
    expect(recording.end.trailer).toMatchObject({ missedFrees: 0 });
  });
});
