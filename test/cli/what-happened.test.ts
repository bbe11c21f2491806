// SPDX-License-Identifier: MIT
import { expect, test } from 'vitest';
import { LastSigns, whatHappened } from '../../ts/cli/what-happened.js';
import type { Launched } from '../../ts/tracker/launch.js';

const MB = 2 ** 20;
const ended = (how: Partial<Launched>): Launched => ({
  pid: 1,
  code: null,
  signal: null,
  durationMs: 1234,
  oomKilled: false,
  ...how,
});

function signs({ uncaught = '', usedMb = 0, limitMb = 4000, gcType = 1 } = {}): LastSigns {
  const last = new LastSigns();
  const at = { timeNs: 0, thread: 3 };
  last.onMark({ ...at, name: 'started' });
  if (uncaught !== '') last.onMark({ ...at, name: `memtape:uncaught ${uncaught}` });
  last.onJsSample({
    ...at,
    heapTotal: usedMb * MB,
    heapUsed: usedMb * MB,
    external: 0,
    malloced: 0,
    heapLimit: limitMb * MB,
    spaces: [],
  });
  last.onGc({ ...at, gcType, phase: 0 });
  return last;
}

test.each([
  [{ code: 0 }, {}, 'exited with code 0'],
  [{ code: 3 }, {}, 'exited with code 3'],
  [
    { code: 1 },
    { uncaught: 'TypeError: a\n b' },
    'exited with code 1 after an uncaught TypeError: a b',
  ],
  [
    { code: 7 },
    { uncaught: 'Error: in a handler' },
    'exited with code 7 after an uncaught Error: in a handler',
  ],
  [{ code: 0 }, { uncaught: 'Error: handled' }, 'exited with code 0'],
  [{ signal: 'SIGTERM' as const }, {}, 'was ended by SIGTERM'],
  [{ signal: 'SIGKILL' as const }, {}, 'was ended by SIGKILL'],
  [
    { signal: 'SIGKILL' as const, oomKilled: true },
    {},
    'was killed by the kernel, which was out of memory (SIGKILL)',
  ],
  [
    { signal: 'SIGABRT' as const },
    { usedMb: 3950, gcType: 4 },
    'probably ran out of JavaScript heap (limit 4.194GB; --max-old-space-size raises it)',
  ],
  [
    { code: 134 },
    { usedMb: 58, limitMb: 252, gcType: 4 },
    'probably ran out of JavaScript heap (limit 264.241MB; --max-old-space-size raises it)',
  ],
  [{ signal: 'SIGABRT' as const }, { usedMb: 3950, gcType: 1 }, 'was ended by SIGABRT'],
  [{ signal: 'SIGABRT' as const }, { usedMb: 30, gcType: 4 }, 'was ended by SIGABRT'],
  [{ signal: 'SIGABRT' as const }, { usedMb: 10, limitMb: 108, gcType: 4 }, 'was ended by SIGABRT'],
])('%j with %j', (how, last, words) => {
  expect(whatHappened(['/usr/bin/node', 'app.js'], ended(how), signs(last))).toBe(
    `node app.js ${words} after 1.23 s`,
  );
});

test('the command is one line of bounded length, whatever is in it', () => {
  const line = whatHappened(
    ['node', '-e', `a\n\x1b[31m${'b'.repeat(500)}`],
    ended({ code: 0 }),
    signs(),
  );
  expect(line).not.toContain('\n');
  expect(line).not.toContain('\x1b');
  expect(line.length).toBeLessThan(100);
});
