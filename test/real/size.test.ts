// SPDX-License-Identifier: MIT
// What captures weigh as `memtape run` leaves them, compressed by zstd: of the programs that bench/size.mjs measures.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { cases } from '../../bench/cases.mjs';
import { readCapture } from '../../ts/decode/read-capture.js';
import { cli } from '../support/memtape.js';
import { nodes } from '../support/nodes.js';
import { run } from '../support/programs.js';
import { record } from '../support/recording.js';

const MOST_BYTES_PER_EVENT = 2;
const names = ['tsc', 'rollup', 'prettier', 'express', 'sharp'];
const node = nodes().find(({ major }) => major === 24);

const folder = mkdtempSync(join(tmpdir(), 'memtape-real-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe.each([
  ['by default', {}],
  ['with native stacks', { MEMTAPE_NATIVE: '1' }],
])('%s', (_, settings) => {
  test.runIf(node).each(cases.filter(({ name }) => names.includes(name)))(
    '$name',
    async ({ args, cwd }) => {
      const { path } = node ?? { path: process.execPath };
      const { capture } = record(path, args, { folder, cwd, settings });
      const finalized = run(path, [cli, 'finalize', '-q', capture]);
      expect(finalized).toMatchObject({ status: 0, stderr: '' });
      const { counts, bytesRead, header } = await readCapture(capture, {});
      expect(header.finalized).toBe(true);
      const perEvent = bytesRead / (counts.allocations + counts.frees);
      expect(perEvent).toBeLessThanOrEqual(MOST_BYTES_PER_EVENT);
    },
    120_000,
  );
});
