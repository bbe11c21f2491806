// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { IntervalMap } from '../../ts/decode/interval-map.js';
import { MAP_OP, MEMORY_CLASS } from '../../ts/format/constants.js';
import { cppProgram } from './cpp-program.js';

type Row = [number, number, number, number, number, number, number[][]];

const ANONYMOUS = 0x22;
const READ_WRITE = 3;
const PAGE = 4096;
const { committed, reserved } = MEMORY_CLASS;

const call = (op: number, address: number, length: number, prot = 0, flags = 0, stack = 1) => ({
  op,
  address,
  length,
  prot,
  flags,
  stack,
});

describe('F-21', () => {
  it.for([1, 2, 3, 4])('agrees with C++ on random calls, seed %i', (seed, { skip }) => {
    const write = cppProgram('track_map_ledger_writer');
    if (!write) return skip('no CMake build tree');
    const rows = write(String(seed), '5000').trim().split('\n');
    expect(rows).toHaveLength(5000);
    const map = new IntervalMap();
    for (const [i, line] of rows.entries()) {
      const [op, address, length, prot, flags, stack, expected] = JSON.parse(line) as Row;
      const deltas = map.apply({ op, address, length, prot, flags, stack });
      const own = deltas.map((d) => [d.class, d.stack, d.bytes, d.ranges]);
      expect(own, `call ${i}: ${line}`).toEqual(expected);
    }
  });

  it('who makes pages usable takes them', () => {
    const map = new IntervalMap();
    map.apply(call(MAP_OP.mmap, 0x10000, 4 * PAGE, 0, ANONYMOUS, 1));
    const deltas = map.apply(call(MAP_OP.mprotect, 0x10000, PAGE, READ_WRITE, 0, 2));
    expect(deltas).toContainEqual({ class: committed, stack: 2, bytes: PAGE, ranges: 1 });
    expect(deltas.find((d) => d.class === reserved)).toMatchObject({ stack: 1, bytes: -PAGE });
  });

  it('knows the flags of the recorded platform', () => {
    const map = new IntervalMap(() => true);
    const [delta] = map.apply(call(MAP_OP.mmap, 0x10000, PAGE, READ_WRITE, 0x1002));
    expect(delta?.class).toBe(committed);
  });
});

describe('replay', () => {
  const protect = call(MAP_OP.mprotect, 0x10000, 2 * PAGE, READ_WRITE, 0, 3);
  const unmap = call(MAP_OP.munmap, 0x10000, 2 * PAGE);
  const counted = { class: committed, stack: 3, bytes: 2 * PAGE, ranges: 1 };

  it('learns from the deltas what was mapped before the start', () => {
    const map = new IntervalMap();
    map.replay({ ...protect, timeNs: 0, deltas: [counted] });
    expect(map.apply(unmap)).toEqual([{ ...counted, bytes: -2 * PAGE, ranges: -1 }]);
  });

  it('learns nothing where the writer counted nothing', () => {
    const map = new IntervalMap();
    map.replay({ ...protect, timeNs: 0, deltas: [] });
    expect(map.apply(unmap)).toEqual([]);
  });
});
