// SPDX-License-Identifier: MIT
// What V8's own threads worked on: told by the caller of the allocator as by the job at the other end of the stack.
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { TotalsAggregator } from '../../ts/aggregate/totals.js';
import { readPass } from '../../ts/capture/pass.js';
import { isAllocating } from '../../ts/model/allocating.js';
import { V8_PLATFORM_LABEL, v8RoleOf } from '../../ts/model/v8-roles.js';
import { temporaryFolder } from '../support/folder.js';
import { checkBundle } from '../support/memtape.js';
import { nodes } from '../support/nodes.js';
import { record } from '../support/recording.js';

const fixture = fileURLToPath(new URL('fixtures/v8-jobs.cjs', import.meta.url));

beforeAll(checkBundle);

const PAGES = /v8::base::OS::Allocate|MemoryAllocator::AllocatePage/;

interface Allocations {
  readonly role: string;
  readonly bytes: number;
  /** Functions from the allocator's caller to the first that is no allocator itself. */
  readonly callers: readonly string[];
}

async function platformAllocations(path: string, native: boolean): Promise<Allocations[]> {
  const settings = native ? { MEMTAPE_NATIVE: '1' } : {};
  const recorded = record(path, [fixture], { folder: temporaryFolder(), settings });
  expect(recorded).toMatchObject({ status: 0, stderr: '' });
  const totals = new TotalsAggregator();
  const { stacks } = await readPass(recorded.capture, [totals]);
  const { rows } = totals.allocated();
  return Array.from(rows.stack).flatMap((stack, row) => {
    const frames = stacks.path(stack).map((id) => stacks.frames.get(id));
    if (frames.at(-1)?.name !== V8_PLATFORM_LABEL) return [];
    const first = frames.findIndex((frame) => frame.kind === 'native' && !isAllocating(frame));
    const callers = frames.slice(0, first + 1).map(({ name }) => name);
    return [{ role: stacks.v8Role(stack) ?? '', bytes: rows.bytes[row] ?? 0, callers }];
  });
}

const bytesOf = (allocations: readonly Allocations[], role: RegExp) =>
  allocations.reduce((sum, one) => sum + (role.test(one.role) ? one.bytes : 0), 0);

describe.each(nodes())('Node.js $version', ({ path }) => {
  test('the caller of the allocator never tells another role than the job', async () => {
    const allocations = await platformAllocations(path, true);
    for (const { role, callers } of allocations) {
      for (const caller of callers) expect([null, role], caller).toContain(v8RoleOf(caller));
    }
    expect(bytesOf(allocations, /compiler/)).toBeGreaterThan(1e6);
    expect(bytesOf(allocations, /scavenger/)).toBeGreaterThan(1e5);
    // What is left is Node.js's: the thread that has delayed tasks.
    expect(bytesOf(allocations, /^$/)).toBeLessThan(bytesOf(allocations, /./) * 0.01);
  });

  test('most allocations have their role without native stacks', async () => {
    const allocations = await platformAllocations(path, false);
    expect(bytesOf(allocations, /compiler/)).toBeGreaterThan(1e6);
    expect(bytesOf(allocations, /scavenger/)).toBeGreaterThan(1e5);
    // Whoever needs a page of the heap asks the system for it: how many do depends on the threads' turns.
    const others = allocations.filter(({ callers }) => !PAGES.test(callers.at(-1) ?? ''));
    expect(bytesOf(others, /./)).toBeGreaterThan(4 * bytesOf(others, /^$/));
  });
});
