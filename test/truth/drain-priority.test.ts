// SPDX-License-Identifier: MIT
// The drain thread runs where a processor is idle, but never gives away the way back: a program that changes its
// user takes the drain thread's privileges along.
import { getPriority, setPriority } from 'node:os';
import { expect, test } from 'vitest';
import { folderOf } from '../support/folder.js';
import { readRecording, record } from '../support/recording.js';

const IDLE = 5; // SCHED_IDLE of sched.h; 0 is SCHED_OTHER
const NOBODY = 65534;

const PROGRAM = `
const { readdirSync, readFileSync } = require('node:fs');
const { setTimeout: sleep } = require('node:timers/promises');
const tasks = '/proc/self/task/';
const tid = readdirSync(tasks).find((tid) => readFileSync(tasks + tid + '/comm', 'utf8') === 'memtape\\n');
// Field 41; the second one is a name in parentheses.
const policy = () => Number(readFileSync(tasks + tid + '/stat', 'utf8').split(') ')[1].split(' ')[38]);
const kept = [];
const work = async () => {
  for (let i = 0; i < 100; i++) kept.push(Buffer.alloc(5000));
  await sleep(5);
};
void (async () => {
  const before = [];
  while (before.at(-1) !== ${IDLE}) {
    await work();
    before.push(policy());
  }
  process.set%ID%(${NOBODY});
  const after = [];
  for (let i = 0; i < 100; i++) {
    after.push(policy());
    await work();
  }
  console.log(JSON.stringify({ before: before.at(-1), after: [...new Set(after)], user: process.geteuid() }));
})();
`;

function isPrivileged(): boolean {
  const nice = getPriority();
  try {
    setPriority(nice - 1);
    setPriority(nice);
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
}

test.skipIf(!isPrivileged()).each(['uid', 'euid'])('a program that sets its %s', async (id) => {
  const program = PROGRAM.replace('%ID%', id);
  const recorded = record(process.execPath, ['-e', program], { folder: folderOf({}) });
  const told: unknown = JSON.parse(recorded.stdout);
  expect(told).toEqual({ before: IDLE, after: [0], user: NOBODY });
  const recording = await readRecording(recorded.capture);
  expect(recording.end.trailer).toMatchObject({ end: 'exit' });
});
