// SPDX-License-Identifier: MIT
// docs/format.md, cpp/format and ts/format/constants.ts say the same.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as ts from '../../ts/format/constants.js';
import {
  columns,
  cppBytes,
  cppConstants,
  cppEnum,
  cppOffsets,
  snake,
  specList,
  specTables,
} from './spec-tables.js';

const FORMAT = 'cpp/format/format.h';
const RINGS = 'cpp/format/rings.h';
const constants = { ...cppConstants(FORMAT), ...cppConstants(RINGS) };

/** The only table of a section, or the one with this number. */
function specTable(heading: string, index = 0): string[][] {
  const table = specTables(heading)[index];
  if (!table || table.length === 0) throw new Error(`no table ${index} under "${heading}"`);
  return table;
}

function expectAll(spec: Record<string, number>, cpp: Record<string, number>, twin: object): void {
  expect(Object.keys(spec).length).toBeGreaterThan(1);
  expect(cpp, 'C++').toEqual(spec);
  expect(twin, 'TypeScript').toEqual(spec);
}

const byNumber = (names: readonly string[]): Record<string, number> =>
  Object.fromEntries(names.map((name, i) => [name, i]));

const magicOf = (table: string[][]): number[] =>
  (table[0]?.[3] ?? '')
    .split(' ')
    .slice(0, 8)
    .map((byte) => Number.parseInt(byte, 16));

describe('§2 file header', () => {
  const table = specTable('2. ');

  it('fields', () => {
    expectAll(columns(table, 2, 0), cppOffsets(FORMAT, 'kHeader', 'Offset'), ts.HEADER_OFFSET);
  });

  it('magic, version and size', () => {
    const magic = magicOf(table);
    expect(cppBytes(FORMAT, 'kMagic')).toEqual(magic);
    expect(ts.MAGIC).toEqual(magic);
    const row = (name: string) => table.find((cells) => cells[2] === name)?.[3] ?? '';
    expect(Number(row('version_major'))).toBe(ts.VERSION_MAJOR);
    expect(Number(row('version_minor'))).toBe(ts.VERSION_MINOR);
    expect(constants).toMatchObject({
      kVersionMajor: ts.VERSION_MAJOR,
      kVersionMinor: ts.VERSION_MINOR,
      kFileHeaderBytes: ts.FILE_HEADER_BYTES,
      kHeaderFlagFinalized: ts.HEADER_FLAG_FINALIZED,
    });
    expect(row('header_bytes').match(/\d+/g)?.map(Number)).toEqual([
      ts.FILE_HEADER_BYTES,
      ts.MAX_FILE_HEADER_BYTES,
    ]);
  });
});

describe('§3 blocks', () => {
  const table = specTable('3. ');

  it('header', () => {
    expectAll(columns(table, 2, 0), cppOffsets(FORMAT, 'kBlock', 'Offset'), ts.BLOCK_OFFSET);
    expect(constants['kBlockHeaderBytes']).toBe(ts.BLOCK_HEADER_BYTES);
  });

  it('kinds', () => {
    const text = table.find((row) => row[2] === 'kind')?.[3] ?? '';
    const kinds = [...text.matchAll(/(\d) (\w+)/g)].map(([, value, name]) => [name, Number(value)]);
    expectAll(Object.fromEntries(kinds), cppEnum('BlockKind'), ts.BLOCK_KIND);
  });
});

describe('§4 hot records', () => {
  it('tags', () => {
    const [tags = []] = specTables('4. ');
    const pattern = (name: string) =>
      Number.parseInt((tags.find((row) => row[1] === name)?.[0] ?? '').replaceAll('x', '0'), 2);
    expect(pattern('alloc')).toBe(ts.ALLOC_TAG);
    expect(pattern('free')).toBe(ts.FREE_TAG);
    const range = tags
      .find((row) => row[1]?.startsWith('long'))?.[0]
      ?.split('–')
      .map(Number);
    expect(range).toEqual([ts.FIRST_LONG_TAG, ts.LAST_LONG_TAG]);
    expect(constants).toMatchObject({
      kAllocTag: ts.ALLOC_TAG,
      kAllocAllocatorShift: ts.ALLOC_ALLOCATOR_SHIFT,
      kAllocSameStack: ts.ALLOC_SAME_STACK,
      kAllocSameSize: ts.ALLOC_SAME_SIZE,
      kFreeTag: ts.FREE_TAG,
      kFreeLatest: ts.FREE_LATEST,
      kFreeRecent: ts.FREE_RECENT,
      kFreeLowBits: ts.FREE_LOW_BITS,
      kStackFlagBits: ts.STACK_FLAG_BITS,
      kFirstLongTag: ts.FIRST_LONG_TAG,
      kLastLongTag: ts.LAST_LONG_TAG,
    });
  });

  it('allocators', () => {
    expectAll(
      specList(/^bits 6-4 allocator: (.*)$/m),
      cppEnum('Allocator'),
      byNumber(ts.ALLOCATORS),
    );
  });

  it('address modes', () => {
    const {
      recently = -1,
      'new, unaligned': unaligned = -1,
      ...rest
    } = specList(/^bits 1-0 address: (.*)$/m);
    const modes = { ...rest, recently_freed: recently, new_unaligned: unaligned };
    expectAll(modes, cppEnum('AddressMode'), ts.ADDRESS_MODE);
  });

  it('short records', () => {
    const spec = columns(specTable('4.4 '), 1, 0);
    const named = Object.entries(spec).map(([name, value]) => [name.replaceAll(' ', '_'), value]);
    const cpp = Object.fromEntries(
      ['Time', 'Thread', 'ForeignFree', 'Stack'].map((name) => [
        snake(name),
        constants[`k${name}Tag`] ?? -1,
      ]),
    );
    expectAll(Object.fromEntries(named), cpp, ts.SHORT_TAG);
  });
});

describe('§4 delta state and stacks', () => {
  it('sizes of the histories', () => {
    const spec = columns(specTable('4.3 '), 0, 1);
    const twin = {
      kRecentAllocs: ts.RECENT_ALLOCS,
      kLatestAllocs: ts.LATEST_ALLOCS,
      kRecentFrees: ts.RECENT_FREES,
      kRecentStacks: ts.RECENT_STACKS,
      kPredictedFrames: ts.PREDICTED_FRAMES,
    };
    expect(twin).toEqual(spec);
    expect(constants).toMatchObject(spec);
  });

  it('stack flags', () => {
    const names = ['cut', 'in_gc', 'js_unknown', 'lost'];
    const numbers = columns(specTable('4.5 '), 0, 1);
    const flags = names.map((name) => numbers[name]);
    expect(flags).toEqual([ts.STACK_CUT, ts.STACK_IN_GC, ts.STACK_JS_UNKNOWN, ts.STACK_LOST]);
    expect(flags).toEqual(
      ['Cut', 'InGc', 'JsUnknown', 'Lost'].map((name) => constants[`kStack${name}`]),
    );
    expect(Math.max(...Object.values(numbers))).toBeLessThan(2 ** ts.STACK_FLAG_BITS);
  });
});

describe('§5 long records', () => {
  it('tags', () => {
    const spec = columns(specTable('5. '), 1, 0);
    expectAll(spec, cppEnum('LongTag'), ts.LONG_TAG);
  });

  it('frame kinds', () => {
    const spec = columns(specTable('5.1 '), 1, 0);
    expectAll(spec, cppEnum('FrameKind'), ts.FRAME_KIND);
  });

  it('map operations and classes', () => {
    expectAll(columns(specTable('5.2 '), 1, 0), cppEnum('MapOp'), ts.MAP_OP);
    expectAll(specList(/^Classes: (.*)$/m), cppEnum('MemoryClass'), ts.MEMORY_CLASS);
  });

  it('parts of RSS', () => {
    expectAll(columns(specTable('5.3 '), 1, 0), cppEnum('RssPart'), ts.RSS_PART);
    expect(constants['kRssPageBytes']).toBe(ts.RSS_PAGE_BYTES);
  });

  it('thread kinds and gc phases', () => {
    expect(cppEnum('ThreadKind')).toEqual(byNumber(ts.THREAD_KINDS));
    expect(cppEnum('GcPhase')).toEqual(ts.GC_PHASE);
  });
});

describe('§7 FILE.rings', () => {
  it('header', () => {
    const table = specTable('7. ', 0);
    expectAll(columns(table, 2, 0), cppOffsets(RINGS, 'kRings', 'Offset'), ts.RINGS_OFFSET);
    expect(cppBytes(RINGS, 'kRingsMagic')).toEqual(magicOf(table));
    expect(ts.RINGS_MAGIC).toEqual(magicOf(table));
  });

  it('slots', () => {
    const rows = specTable('7. ', 1).map((row) => [
      row[2]?.replace(/(:.*| id.*| \(.*)$/, ''),
      row[0],
    ]);
    const spec = Object.fromEntries(rows.map(([name, offset]) => [name, Number(offset)]));
    expectAll(spec, cppOffsets(RINGS, 'kSlot', 'Offset'), ts.SLOT_OFFSET);
    expect(constants).toMatchObject({
      kRingsHeaderBytes: ts.RINGS_HEADER_BYTES,
      kSlotHeaderBytes: ts.SLOT_HEADER_BYTES,
      kRingWordBytes: ts.RING_WORD_BYTES,
    });
  });

  it('kinds and their words', () => {
    const table = specTable('7. ', 2);
    const fixed = table.filter((row) => /^\d+$/.test(row[0] ?? ''));
    expectAll(columns(fixed, 1, 0), cppEnum('RingKind'), ts.RING_KIND);
    const words = fixed.map((row) => [row[1], Number(/^(\d+) words/.exec(row[2] ?? '')?.[1])]);
    expectAll(Object.fromEntries(words), cppOffsets(RINGS, 'kRing', 'Words'), ts.RING_WORDS);
    const variable = table.find((row) => row[1] === 'variable')?.[0];
    expect(variable).toBe(`≥ ${ts.RING_FIRST_VARIABLE}`);
    expect(constants['kRingFirstVariable']).toBe(ts.RING_FIRST_VARIABLE);
  });
});

it('§8 limits', () => {
  const spec = columns(specTable('8. '), 0, 1);
  const cpp = Object.fromEntries(Object.keys(spec).map((name) => [name, constants[name] ?? -1]));
  expectAll(spec, cpp, ts.LIMITS);
});

it('§9 the worked example is a golden file', () => {
  const example = readFileSync(new URL('../../docs/format.md', import.meta.url), 'utf8')
    .split('\n## 9. ')[1]
    ?.split('```')[1];
  const hex = example?.match(/^(?:[\dA-F]{2} )+/gm)?.join('') ?? '';
  const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
  expect(bytes).toEqual(readFileSync(new URL('../golden/example.bin', import.meta.url)));
});
