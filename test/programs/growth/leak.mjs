// SPDX-License-Identifier: MIT
// A Map that nothing is ever taken out of, and garbage beside it. The last line on stdout is how much is in it.
// With an argument it stands still in the middle, for so many seconds.
import { spawnSync } from 'node:child_process';
import { collector, pace } from './pace.mjs';

const sessions = new Map();

function remember(id) {
  sessions.set(id, Buffer.alloc(20_003));
}

function serve() {
  for (let i = 0; i < 4; i++) Buffer.alloc(30_007);
}

/** Every thread of this process stops; somebody outside wakes it. */
function standStill(seconds) {
  const { pid } = process;
  const script = `(sleep ${seconds}; kill -CONT ${pid}) >/dev/null 2>&1 & kill -STOP ${pid}`;
  spawnSync('sh', ['-c', script], { stdio: 'ignore' });
}

const LEAST_MS = 1000;
const STOP_AT_MS = 600;
let [, , stop] = process.argv;
const LEAST_COLLECTIONS = 25;
const collections = collector(36);
pace((ms) => {
  if (stop !== undefined && ms >= STOP_AT_MS) {
    standStill(stop);
    stop = undefined;
  }
  while (sessions.size < ms * 2) {
    remember(sessions.size);
    serve();
  }
  if (collections(ms) < LEAST_COLLECTIONS || ms < LEAST_MS) return true;
  console.log(sessions.size);
  return false;
});
