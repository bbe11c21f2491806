// SPDX-License-Identifier: MIT
// What is live at exit: exactly what the program kept, however it ends, on each Node.js.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fanout } from '../../ts/aggregate/fanout.js';
import { LeakAggregator } from '../../ts/aggregate/leaks.js';
import type { Consumer } from '../../ts/decode/consumer.js';
import { readCapture } from '../../ts/decode/read-capture.js';
import { EXIT_MARK } from '../../ts/format/constants.js';
import type { MarkRecord } from '../../ts/format/records.js';
import { temporaryFolder } from '../support/folder.js';
import { finish, plainEnvironment, top } from '../support/memtape.js';
import { nodes } from '../support/nodes.js';
import { recordingEnvironment } from '../support/recording.js';

/** Sizes that nothing else has. */
const KEPT = 7_000_001;
const DROPPED = 6_000_003;
const LATE = 2_000_003;
const IN_WORKER = 5_000_001;

const PROGRAM = `
const kept = [];
const drop = () => Buffer.alloc(${DROPPED});
kept.push(Buffer.alloc(${KEPT}));
drop();
gc(); gc();
process.on('exit', () => kept.push(Buffer.alloc(${LATE})));
`;

/** Which stacks allocated each size, and the marks. */
class Watcher implements Consumer {
  readonly stacks = new Map<number, Set<number>>(
    [KEPT, DROPPED, LATE, IN_WORKER].map((size) => [size, new Set()]),
  );
  readonly marks: string[] = [];

  onAlloc(stack: number, size: number): void {
    this.stacks.get(size)?.add(stack);
  }

  onMark({ name }: MarkRecord): void {
    this.marks.push(name);
  }
}

/** Bytes of each size that are live at exit; `recorded` says how the program is recorded. */
async function liveAtExit(node: string, code: string, recorded: 'preload' | 'tracker') {
  const folder = temporaryFolder();
  const capture = join(folder, 'capture.bin');
  const file = join(folder, 'app.cjs');
  const library = JSON.stringify(`${top}dist/cjs/index.js`);
  const tracker = `new (require(${library}).Tracker)(${JSON.stringify(capture)});`;
  writeFileSync(file, `${recorded === 'tracker' ? tracker : ''}${PROGRAM}${code}`);
  const env =
    recorded === 'tracker'
      ? plainEnvironment()
      : { ...plainEnvironment(), ...recordingEnvironment(capture) };
  const { status, signal } = finish(node, ['--expose-gc', file], { env });
  const leaks = new LeakAggregator();
  const watcher = new Watcher();
  await readCapture(capture, fanout([leaks, watcher]));
  const { rows } = leaks.leaked();
  const live = Object.fromEntries(
    [...watcher.stacks].map(([size, stacks]) => {
      let bytes = 0;
      for (let row = 0; row < rows.size; row++) {
        if (stacks.has(rows.stack[row] ?? 0)) bytes += rows.bytes[row] ?? 0;
      }
      return [size, bytes];
    }),
  );
  const exited = watcher.marks.filter((name) => name === EXIT_MARK).length > 0;
  return { live, exited, ended: signal ?? status };
}

const all = { [KEPT]: KEPT, [DROPPED]: 0, [LATE]: LATE, [IN_WORKER]: 0 };
const noListener = { ...all, [LATE]: 0 };

const WAYS: [how: string, code: string, ended: number | string, live: object][] = [
  ['by itself', '', 0, all],
  ['by itself, later', 'setTimeout(() => {}, 20)', 0, all],
  ['by process.exit()', 'process.exit(3)', 3, all],
  ['by process.exit() in a callback', 'setImmediate(() => process.exit(3))', 3, all],
  ['by an exception', "throw new Error('x')", 1, all],
  ['by a rejection', "Promise.reject(new Error('x'))", 1, all],
  [
    'by process.exit() in a listener',
    "process.prependListener('exit', () => process.exit(4))",
    4,
    noListener,
  ],
  [
    'by an exception in a listener',
    "process.prependListener('exit', () => { throw 1 })",
    1,
    noListener,
  ],
  [
    'by process.exit() while a worker runs',
    `const { Worker } = require('worker_threads');
    const code = 'globalThis.kept = Buffer.alloc(${IN_WORKER}); ' +
      "require('worker_threads').parentPort.postMessage(0); setInterval(() => {}, 1000)";
    new Worker(code, { eval: true }).on('message', () => process.exit(0))`,
    0,
    { ...all, [IN_WORKER]: IN_WORKER },
  ],
  [
    'after a worker has ended',
    `const { Worker } = require('worker_threads');
    new Worker('globalThis.kept = Buffer.alloc(${IN_WORKER}); process.exit()', { eval: true })`,
    0,
    all,
  ],
];

describe.each(nodes())('at exit on Node.js $version', ({ path: node }) => {
  test.each(WAYS)('%s', async (_how, code, ended, live) => {
    expect(await liveAtExit(node, code, 'preload')).toEqual({ live, exited: true, ended });
  });

  test('under a Tracker', async () => {
    const found = await liveAtExit(node, '', 'tracker');
    expect(found).toEqual({ live: all, exited: true, ended: 0 });
  });

  test("an 'exit' that the program emits itself is none", async () => {
    const code = "process.emit('exit'); process.reallyExit(5)";
    const found = await liveAtExit(node, code, 'preload');
    expect(found).toEqual({ live: all, exited: false, ended: 5 });
  });

  test('the program sees no difference', () => {
    const code = `console.log(Object.hasOwn(process, 'emit'), Object.keys(process),
      process.listenerCount('exit'), process.rawListeners('exit'), process.eventNames().length);
      process.on('x', (...args) => { console.log(args, new Error('y').stack); });
      process.once('newListener', () => {});
      console.log(process.emit('x', 1, 2, 3), process.emit('nobody'), process.emit.name);
      try { process.emit('error', new TypeError('thrown')) } catch (e) { console.log(e.stack) }
      require('events').prototype.emit = function (name) { console.log('replaced', name) };
      process.emit('z')`;
    const file = join(temporaryFolder(), 'app.cjs');
    writeFileSync(file, code);
    const plain = finish(node, [file]);
    const env = recordingEnvironment(join(temporaryFolder(), 'a.bin'));
    const recorded = finish(node, [file], { env });
    expect(recorded).toEqual(plain);
    expect(plain.stdout).toContain('replaced z');
  });
});
