// SPDX-License-Identifier: MIT
// Whose work a thread does is known in a program that was started normally too, and never guessed: not for Node.js's own
// work on the same threads, and not for work that was queued outside the recording.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { folderOf, temporaryFolder } from '../support/folder.js';
import { checkBundle, finish, top } from '../support/memtape.js';
import { nodes } from '../support/nodes.js';
import { buildPrograms, programs } from '../support/programs.js';
import { type Recording, readRecording, record } from '../support/recording.js';
import { attributionProblems } from './attribution.js';
import { expectationsOf } from './expectations.js';

const fixture = fileURLToPath(new URL('fixtures/threads.cjs', import.meta.url));
const noInlining = ['--no-turbo-inlining', '--no-maglev-inlining'];
const env = { TRUTH_ADDON: programs.addon };

beforeAll(() => {
  checkBundle();
  buildPrograms();
});

/** How often each stack allocated the size: what is on it besides native frames, leaf first. */
function stacksOf(recording: Recording, size: number): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [stack, count] of recording.stacksOfSize(size)) {
    const frames = recording.frames(stack).filter(({ kind }) => kind !== 'native');
    const text = frames.map(({ name }) => name).join(' < ');
    counts[text] = (counts[text] ?? 0) + count;
  }
  return counts;
}

function runApp(node: string, source: string, settings: NodeJS.ProcessEnv = {}): string {
  const folder = folderOf({ 'app.mjs': source });
  const app = [...noInlining, join(folder, 'app.mjs')];
  const { status, stderr } = finish(node, app, { cwd: folder, env: { ...env, ...settings } });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return folder;
}

describe.each(nodes())('Node.js $version', ({ path }) => {
  test('a Tracker in a program that was started normally', async () => {
    const folder = runApp(
      path,
      `import { Tracker } from ${JSON.stringify(`${top}dist/index.js`)};
      const tracker = new Tracker('threads.bin');
      process.on('exit', () => tracker.stop());
      await import(${JSON.stringify(fixture)});`,
    );
    const expectations = expectationsOf([fixture]);
    const sizes = expectations.map(({ size }) => size);
    const recording = await readRecording(join(folder, 'threads.bin'), sizes);
    // Its Worker is attached while Node.js starts it: before the lines of the script.
    const problems = attributionProblems(expectations, recording);
    expect(problems, problems.join('\n')).toEqual([]);
  });

  test('native stacks go on, without the functions that lead there', async () => {
    const args = [...noInlining, fixture];
    const folder = temporaryFolder();
    const settings = { MEMTAPE_NATIVE: '1' };
    const recorded = record(path, args, { folder, env, settings });
    expect({ ...recorded, capture: '', pid: 0 }).toMatchObject({ status: 0, stderr: '' });
    const expectations = expectationsOf([fixture]);
    const sizes = expectations.map(({ size }) => size);
    const recording = await readRecording(recorded.capture, sizes);
    const problems = attributionProblems(expectations, recording);
    expect(problems, problems.join('\n')).toEqual([]);
    const files = [...recording.allFrames()].map(({ file }) => file);
    const own = /libmemtape\.so$|preload\.cjs$/;
    expect(files.filter((file) => own.test(file))).toEqual([]);
  });

  test("Node.js's own work has no line, before and after an addon's on the same thread", async () => {
    const size = 1_051_648; // OpenSSL's one block for scrypt: 128 · N · r and two smaller parts
    const folder = temporaryFolder();
    const args = [...noInlining, fixture];
    const recorded = record(path, args, { folder, env: { ...env, UV_THREADPOOL_SIZE: '1' } });
    expect(recorded.status).toBe(0);
    const recording = await readRecording(recorded.capture, [size]);
    const own = stacksOf(recording, size);
    expect(own['(libuv pool)']).toBe(5);
    // scryptSync, which the pool has no part in.
    const others = Object.entries(own).filter(([stack]) => stack !== '(libuv pool)');
    expect(others.map(([stack, count]) => [/\bscryptSync < main\b/.test(stack), count])).toEqual([
      [true, 1],
    ]);
  });

  test('work that another recording saw queued, or none', async () => {
    const folder = runApp(
      path,
      `import { createRequire } from 'node:module';
      import { Tracker } from ${JSON.stringify(`${top}dist/index.js`)};
      const addon = createRequire(import.meta.url)(process.env.TRUTH_ADDON);
      const jobs = [];
      function queue(size) {
        const [a, b] = [addon.makeJob(), addon.makeJob()];
        jobs.push(a, b);
        addon.queueNapi(a, size);
        addon.queueUv(b, size + 1);
      }
      // On many stacks, so that what one recording calls a stack is another stack in the other.
      function queueAll(size, depth = 30) {
        if (depth > 0) queueAll(size, depth - 1);
        queue(size);
      }
      async function finish() {
        addon.unblock();
        for (const job of jobs) while (!addon.isDone(job)) await new Promise(setImmediate);
        jobs.length = 0;
      }
      function during(name, body) {
        const tracker = new Tracker(name);
        body();
        return tracker;
      }
      addon.block();
      queue(103001);
      during('one.bin', () => queueAll(103007)).stop();
      const two = during('two.bin', () => queueAll(103043));
      await finish();
      two.stop();
      addon.block();
      during('three.bin', () => queue(103049)).stop();
      await finish();
      const four = during('four.bin', () => queue(103067));
      await finish();
      four.stop();`,
      { UV_THREADPOOL_SIZE: '1' },
    );
    const sizes = [103001, 103007, 103043, 103049, 103067].flatMap((size) => [size, size + 1]);
    const seen: Record<string, Record<string, number>> = {};
    for (const name of ['one', 'two', 'three', 'four']) {
      const recording = await readRecording(join(folder, `${name}.bin`), sizes);
      for (const size of sizes) {
        const stacks = stacksOf(recording, size);
        if (Object.keys(stacks).length > 0) seen[`${name} ${size}`] = stacks;
      }
    }
    const queued = expect.stringMatching(/^\(queued work\) < queue < /);
    const lines = Object.entries(seen).flatMap(([where, stacks]) => {
      const counts = new Map<string, number>();
      for (const [stack, count] of Object.entries(stacks)) {
        const text = stack.replace(/(queueAll < )+/, 'queueAll < ');
        counts.set(text, (counts.get(text) ?? 0) + count);
      }
      return [...counts].map(([stack, count]) => [where, stack, count]);
    });
    // What was queued elsewhere runs on a thread of the pool, which is all that is known of it.
    const unknown = expect.stringMatching(/^(\(libuv pool\))?$/);
    expect(lines).toEqual([
      ['two 103001', unknown, 1],
      ['two 103002', unknown, 1],
      ['two 103007', unknown, 31],
      ['two 103008', unknown, 31],
      ['two 103043', queued, 31],
      ['two 103044', queued, 31],
      ['four 103067', queued, 1],
      ['four 103068', queued, 1],
    ]);
  });
});
