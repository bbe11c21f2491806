// SPDX-License-Identifier: MIT
// Walks with the memo of the last one are those without, event for event. The library that these programs run with does both
// and stops the process at the first difference (cpp/track/walk_check.h).
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { readCapture } from '../../ts/decode/read-capture.js';
import { commands, folder as realFolder } from '../real/commands.mjs';
import { temporaryFolder } from '../support/folder.js';
import { nodes } from '../support/nodes.js';
import { buildPrograms, programs, run } from '../support/programs.js';
import { record } from '../support/recording.js';
import { askPath } from './stacks/compare.js';
import { generateProgram } from './stacks/generate.js';
import { recursiveWasmModule } from './wasm-module.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const library = join(root, 'build/packages/ubsan/build/Release/libmemtape.so');
const timeout = 300_000;

beforeAll(() => {
  buildPrograms();
  const built = run(process.execPath, [join(root, 'scripts/check-builds.mjs'), 'ubsan']);
  expect(built).toMatchObject({ status: 0 });
  expect(readFileSync(library).includes('/walk_check.h')).toBe(true);
}, timeout);

async function eventsOf(node: string, args: readonly string[], native: boolean): Promise<number> {
  const folder = temporaryFolder();
  const settings = { LD_PRELOAD: library, MEMTAPE_NATIVE: native ? '1' : '0' };
  const env = {
    TRUTH_ADDON: programs.addon,
    TRUTH_ASK: askPath,
    TRUTH_ORACLE: join(folder, 'oracle'),
    TRUTH_EVERY: '41',
  };
  const recorded = record(node, args, { folder, env, settings, cwd: realFolder });
  expect(recorded).toMatchObject({ status: 0, signal: null });
  let events = 0;
  await readCapture(recorded.capture, {
    onAlloc() {
      events++;
    },
  });
  return events;
}

describe.each(nodes())('Node.js $version', ({ path }) => {
  describe.each([false, true])('native: %s', (native) => {
    test('a program made at random', { timeout }, async () => {
      const program = join(temporaryFolder(), 'program.cjs');
      writeFileSync(program, generateProgram({ seed: 2, rounds: 200, wasm: recursiveWasmModule }));
      const args = ['--stack-size=3900', '--expose-gc', program];
      expect(await eventsOf(path, args, native)).toBeGreaterThan(50_000);
    });

    test.each(['rollup', 'sharp'])('%s', { timeout }, async (name) => {
      expect(await eventsOf(path, commands[name] ?? [], native)).toBeGreaterThan(200_000);
    });
  });
});
