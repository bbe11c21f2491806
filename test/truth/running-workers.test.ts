// SPDX-License-Identifier: MIT
// A Tracker in a process whose workers run already, started with nothing preloaded: what they allocate has their lines.
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { threadText } from '../../ts/report/thread-text.js';
import { folderOf } from '../support/folder.js';
import { checkBundle, finish, top } from '../support/memtape.js';
import { nodes } from '../support/nodes.js';
import { buildPrograms, programs } from '../support/programs.js';
import { type Recording, readRecording } from '../support/recording.js';
import { attributionProblems } from './attribution.js';
import { disagreement, type Expectation, expectationsOf } from './expectations.js';

beforeAll(() => {
  checkBundle();
  buildPrograms();
});

// Messages are numbers: of a phase, and how often. A busy worker is told by `shared` to go on: it never reads one.
const worker = `const { parentPort, workerData } = require('node:worker_threads');
const addon = require(process.env.TRUTH_ADDON);
const shared = new Int32Array(workerData.shared);
const expression = /^(a+)+b/;
function leaf() {
  addon.mallocAndFree(120563); //= leaf < phase x1000
}
function phase() {
  for (let i = 0; i < 1000; i++) leaf();
}
function loop() {
  const round = Atomics.load(shared, 1);
  while (Atomics.load(shared, 1) === round) {
    addon.mallocAndFree(120577); //= loop x0
    expression.test('aaaaaaaa');
    Atomics.add(shared, 0, 1);
  }
}
function again() {
  for (let i = 0; i < 1000; i++) addon.mallocAndFree(120569); //= again x1000
}
function busy() {
  for (;;) {
    loop();
    phase();
    loop();
    again();
    Atomics.add(shared, 2, 1);
    Atomics.wait(shared, 2, Atomics.load(shared, 2), 10);
  }
}
function touch() {
  addon.mallocAndFree(120587);
}
const actions = { touch, phase, again, busy };
parentPort.on('message', (name) => {
  actions[name]();
  parentPort.postMessage(name);
});
parentPort.postMessage('ready');
`;

const prelude = `import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { createRequire } from 'node:module';
import { FileDestination, Tracker } from ${JSON.stringify(`${top}dist/index.js`)};
const addon = createRequire(import.meta.url)(process.env.TRUTH_ADDON);
function here() {
  for (let i = 0; i < 10; i++) addon.mallocAndFree(120539); //= here x10
}
const shared = new Int32Array(new SharedArrayBuffer(16));
async function start() {
  const worker = new Worker(new URL('worker.cjs', import.meta.url), { workerData: { shared: shared.buffer } });
  await once(worker, 'message');
  return worker;
}
async function ask(worker, name) {
  const answer = once(worker, 'message');
  worker.postMessage(name);
  await answer;
}
// The loop has gone round so many times more.
async function rounds(count) {
  const enough = Atomics.load(shared, 0) + count;
  while (Atomics.load(shared, 0) < enough) await new Promise(setImmediate);
}
async function nextLoop() {
  Atomics.add(shared, 1, 1);
}
`;

interface Ran {
  readonly stdout: string;
  readonly expectations: readonly Expectation[];
  read(capture: string): Promise<Recording>;
}

function run(node: string, program: string, timeout = 60_000): Ran {
  const folder = folderOf({ 'app.mjs': prelude + program, 'worker.cjs': worker });
  const env = { TRUTH_ADDON: programs.addon };
  const { status, stdout, stderr } = finish(node, [join(folder, 'app.mjs')], {
    cwd: folder,
    env,
    timeout,
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const expectations = expectationsOf([join(folder, 'worker.cjs'), join(folder, 'app.mjs')]);
  const sizes = expectations.map(({ size }) => size);
  return { stdout, expectations, read: (capture) => readRecording(join(folder, capture), sizes) };
}

/** What disagrees, if each of these functions was called in so many workers. */
function problems(ran: Ran, recording: Recording, calls: Record<string, number>): string[] {
  const wanted = ran.expectations
    .filter(({ chain }) => chain[0] !== 'loop')
    .map((one) => ({ ...one, count: one.count * (calls[one.chain[0] ?? ''] ?? 0) }));
  return attributionProblems(wanted, recording);
}

/** What the loop allocated: how often at its line, how often at no line, what else. */
function loopOf({ expectations }: Ran, recording: Recording) {
  const wanted = expectations.find(({ chain }) => chain[0] === 'loop') as Expectation;
  const seen = { there: 0, none: 0, wrong: [] as string[] };
  for (const [stack, count] of recording.stacksOfSize(wanted.size)) {
    const frames = recording.frames(stack).filter(({ kind }) => kind === 'js');
    const problem = disagreement(wanted, frames);
    if (problem === undefined) seen.there += count;
    else if (frames.length === 0) seen.none += count;
    else seen.wrong.push(problem);
  }
  return seen;
}

const kinds = ({ end }: Recording) =>
  [...end.tables.threads.values()].map(({ kind }) => kind).filter((kind) => kind !== 'v8_platform');

describe.each(nodes())('on Node.js $version', ({ path: node }) => {
  test('workers that wait are attached when they are given work', async () => {
    const ran = run(
      node,
      `const workers = [await start(), await start(), await start()];
      const tracker = new Tracker('idle.bin');
      for (const worker of workers) await ask(worker, 'touch');
      await Promise.all(workers.map((worker) => ask(worker, 'phase')));
      await ask(workers[1], 'again');
      tracker.stop();
      for (const worker of workers) await ask(worker, 'again');
      const second = new Tracker({ destination: 'second.bin', native: true });
      for (const worker of workers) await ask(worker, 'touch');
      await ask(workers[2], 'phase');
      second.stop();
      for (const worker of workers) await worker.terminate();`,
    );
    const first = await ran.read('idle.bin');
    expect(problems(ran, first, { phase: 3, leaf: 3, again: 1 })).toEqual([]);
    expect(kinds(first).filter((kind) => kind === 'worker')).toHaveLength(3);
    const name = [...first.end.tables.threads.values()].map((info) =>
      threadText(info.thread, info),
    );
    expect(new Set(name).size).toBe(name.length);
    expect(problems(ran, await ran.read('second.bin'), { leaf: 1 })).toEqual([]);
  });

  test('one that never leaves a loop is attached in it, by each Tracker', async () => {
    const ran = run(
      node,
      `const worker = await start();
      worker.postMessage('busy');
      await rounds(5000);
      const first = new Tracker('busy.bin');
      await rounds(1000);
      await nextLoop();
      await rounds(1000);
      first.stop();
      const before = Atomics.load(shared, 2);
      await nextLoop();
      while (Atomics.load(shared, 2) === before) await new Promise(setImmediate);
      await rounds(1000);
      const second = new Tracker('second.bin');
      await rounds(1000);
      await nextLoop();
      await rounds(1000);
      await nextLoop();
      await rounds(1000);
      second.stop();
      await worker.terminate();`,
    );
    const first = await ran.read('busy.bin');
    expect(problems(ran, first, { leaf: 1 })).toEqual([]);
    const second = await ran.read('second.bin');
    expect(problems(ran, second, { leaf: 1, again: 1 })).toEqual([]);
    for (const recording of [first, second]) {
      const { there, none, wrong } = loopOf(ran, recording);
      expect(wrong).toEqual([]);
      // The first one shows that there is JavaScript on the thread. V8 is asked then.
      expect(none).toBeLessThanOrEqual(1);
      expect(there).toBeGreaterThanOrEqual(1000);
    }
  });

  test('a Tracker in a worker attaches the main thread and other workers', async () => {
    const ran = run(
      node,
      `const other = await start();
      const code = \`import('${top}dist/index.js').then(async ({ Tracker }) => {
        const { parentPort } = require('node:worker_threads');
        const tracker = new Tracker('worker.bin');
        parentPort.postMessage('started');
        await new Promise((resolve) => parentPort.once('message', resolve));
        tracker.stop();
        parentPort.postMessage('stopped');
      })\`;
      const recorder = new Worker(code, { eval: true });
      await once(recorder, 'message');
      await ask(other, 'touch');
      await ask(other, 'phase');
      here();
      await ask(recorder, 'stop');
      here();
      await other.terminate();`,
    );
    const recording = await ran.read('worker.bin');
    expect(problems(ran, recording, { leaf: 1, here: 1 })).toEqual([]);
    expect(kinds(recording).filter((kind) => kind === 'main')).toHaveLength(1);
  });

  test('nothing happens to workers that come and go while Trackers do', {
    timeout: 120_000,
  }, () => {
    const { stdout } = run(
      node,
      `const body = \`const { workerData: rounds } = require('node:worker_threads');
      const endless = rounds > 7;
      const sum = (values) => values.reduce((a, b) => a + b.length, 0);
      function work(round) {
        const kept = Array.from({ length: 100 }, (_, i) => Buffer.alloc(5000 + i));
        if (sum(kept) !== 504950 || /^(a+)+b/.test('aaaaaaaaaa')) process.exit(9);
        if (round === rounds && !endless) process.exit(7);
        setImmediate(work, round + 1);
      }
      work(0);\`;
      let running = true;
      let count = 0;
      const codes = new Set();
      const churn = async () => {
        for (; running; count++) {
          const rounds = count % 10;
          const worker = new Worker(body, { eval: true, workerData: rounds });
          const exit = once(worker, 'exit');
          if (rounds > 7) {
            await once(worker, 'online');
            for (let i = 0; i < rounds * 10; i++) await new Promise(setImmediate);
            worker.terminate();
          }
          codes.add((await exit)[0]);
        }
      };
      const all = [churn(), churn()];
      const problems = new Set();
      for (let i = 0; i < 40; i++) {
        const tracker = new Tracker({
          destination: new FileDestination('churn.bin', { overwrite: true }),
          native: i % 3 === 0,
          jsHeap: i % 8 === 0,
        });
        for (let j = 0; j < (i % 8) * 5; j++) await new Promise(setImmediate);
        const { error, dropped } = tracker.stop();
        problems.add(error).add(dropped);
      }
      running = false;
      await Promise.all(all);
      console.log(JSON.stringify({ some: count > 10, codes: [...codes].sort(), problems: [...problems] }));`,
      100_000,
    );
    // 1: terminated, 7: to its end.
    expect(JSON.parse(stdout)).toEqual({ some: true, codes: [1, 7], problems: [null, 0] });
  });
});
