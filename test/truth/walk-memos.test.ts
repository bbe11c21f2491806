// SPDX-License-Identifier: MIT
// Walks with the memo of the last one are those without, event for event. The library that these programs run with does both
// and stops the process at the first difference (cpp/track/walk_check.h).
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { readCapture } from '../../ts/decode/read-capture.js';
import { STACK_JS_UNKNOWN } from '../../ts/format/constants.js';
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

interface Events {
  readonly all: number;
  /** Those of which JavaScript frames are missing. */
  readonly lost: number;
}

async function eventsOf(node: string, args: readonly string[], native: boolean): Promise<Events> {
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
  const stacks = new Map<number, number>();
  const { tables } = await readCapture(recorded.capture, {
    onAlloc(stack) {
      stacks.set(stack, (stacks.get(stack) ?? 0) + 1);
    },
  });
  let [all, lost] = [0, 0];
  for (const [stack, count] of stacks) {
    all += count;
    if (((tables.stackFlags.get(stack) ?? 0) & STACK_JS_UNKNOWN) !== 0) lost += count;
  }
  return { all, lost };
}

describe.each(nodes())('Node.js $version', ({ path }) => {
  describe.each([false, true])('native: %s', (native) => {
    test('a program made at random', { timeout }, async () => {
      const program = join(temporaryFolder(), 'program.cjs');
      writeFileSync(program, generateProgram({ seed: 2, rounds: 200, wasm: recursiveWasmModule }));
      const args = ['--stack-size=3900', '--expose-gc', program];
      expect((await eventsOf(path, args, native)).all).toBeGreaterThan(50_000);
    });

    test.each(['rollup', 'sharp'])('%s', { timeout }, async (name) => {
      const { all, lost } = await eventsOf(path, commands[name] ?? [], native);
      expect(all).toBeGreaterThan(200_000);
      // Under V8's deoptimizer, without native stacks, the memo knows what is no longer on the stack.
      expect(lost).toBe(0);
    });
  });
});
