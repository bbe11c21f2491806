// SPDX-License-Identifier: MIT
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RecordConsumer } from '../../ts/decode/consumer.js';
import { readCapture } from '../../ts/decode/read-capture.js';
import { sourceLineKey } from '../../ts/decode/tables.js';
import { ByteWriter } from '../../ts/format/byte-writer.js';
import { LIMITS } from '../../ts/format/constants.js';
import { type Prologue, RecordEncoder } from '../../ts/format/encode.js';
import { block, fileHeader } from '../support/sample-capture.js';

const START: Prologue = {
  timeNs: 0,
  thread: 0,
  nextAddress: 1,
  nextString: 1,
  nextFunction: 1,
  nextFrame: 1,
  nextNode: 1,
  nextStack: 1,
};

/** What the decoder makes of payloads, one block each. */
async function decode(...payloads: readonly Uint8Array[]) {
  const events: unknown[][] = [];
  const consumer: RecordConsumer = {
    onAlloc: (stack, size, allocator, thread, id) =>
      events.push(['alloc', allocator, stack, size, thread, id, address(id)]),
    onFree: (_stack, _size, _allocator, _thread, id) => events.push(['free', id]),
    onUnknownFree: (id) => events.push(['unknown free', id]),
    onForeignFree: () => events.push(['foreign']),
    onTime: (timeNs) => events.push(['time', timeNs]),
    onMap: (map) => events.push(['map', map]),
    onStart: (capture) => {
      address = capture.address;
    },
  };
  let address = (_id: number) => 0;
  const bytes = Buffer.concat([fileHeader(), ...payloads.map((payload) => block(1, payload))]);
  const end = await readCapture(bytes, consumer, { keepAddresses: true });
  expect(end.bytesDropped).toBe(0);
  expect(end.counts.unknownRecords + end.counts.badJson).toBe(0);
  return { events, end };
}

describe('numbers', () => {
  const hex = (write: (writer: ByteWriter) => void) => {
    const writer = new ByteWriter();
    write(writer);
    return Buffer.from(writer.copy()).toString('hex');
  };

  it.each([
    [0, '00'],
    [1, '01'],
    [127, '7f'],
    [128, '8001'],
    [300, 'ac02'],
    [2 ** 32, '8080808010'],
    [2 ** 53 - 1, 'ffffffffffffff0f'],
    [2 ** 63, '80808080808080808001'],
  ])('%d is %s', (value, expected) => {
    expect(hex((w) => w.varint(value))).toBe(expected);
  });

  it.each([
    [0, '00'],
    [-1, '01'],
    [1, '02'],
    [-64, '7f'],
    [64, '8001'],
    [-(2 ** 40), 'ffffffffff3f'],
  ])('%d in zigzag is %s', (value, expected) => {
    expect(hex((w) => w.zigzag(value))).toBe(expected);
  });

  it.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 64])('refuses %d', (value) => {
    expect(() => new ByteWriter().varint(value)).toThrow(RangeError);
  });

  it('cuts text where no character is cut', () => {
    const cut = (limit: number) => hex((w) => w.utf8('aé😀', limit));
    expect([0, 1, 2, 3, 6, 7].map(cut)).toEqual([
      '',
      '61',
      '61',
      '61c3a9',
      '61c3a9',
      '61c3a9f09f9880',
    ]);
    expect(hex((w) => w.text('é'))).toBe('02c3a9');
  });
});

const nat = (max: number) => fc.nat({ max });
const address = fc.oneof(
  nat(2 ** 30).map((n) => n * 8),
  fc.maxSafeNat(),
);

describe('records', () => {
  it('of events decode to what was written', async () => {
    const event = fc.oneof(
      fc.record({
        type: fc.constant('new' as const),
        allocator: nat(7),
        size: fc.maxSafeNat(),
        address,
      }),
      fc.record({
        type: fc.constant('known' as const),
        allocator: nat(7),
        size: nat(1 << 20),
        pick: nat(1000),
      }),
      fc.record({ type: fc.constant('free' as const), pick: nat(1000) }),
      fc.record({ type: fc.constant('foreign' as const) }),
      fc.record({ type: fc.constant('time' as const), microseconds: nat(2 ** 30) }),
      fc.record({ type: fc.constant('thread' as const), thread: nat(LIMITS.kMaxThreads - 1) }),
      fc.record({ type: fc.constant('block' as const) }),
    );
    const property = fc.asyncProperty(
      fc.array(event, { maxLength: 300, size: 'max' }),
      async (events) => {
        const encoder = new RecordEncoder(START);
        const payloads: Uint8Array[] = [];
        const expected: unknown[][] = [];
        const addresses: number[] = [0];
        const live = new Set<number>();
        let [time, thread] = [0, 0];
        const alloc = (id: number, allocator: number, size: number) => {
          if (live.has(id)) expected.push(['free', id]);
          live.add(id);
          expected.push(['alloc', allocator, 0, size, thread, id, addresses[id]]);
        };
        const pickId = (pick: number) => 1 + (pick % (addresses.length - 1));
        for (const e of events) {
          if (e.type === 'new') {
            const id = encoder.allocNew(e.allocator, 0, e.size, e.address);
            expect(id).toBe(addresses.push(e.address) - 1);
            alloc(id, e.allocator, e.size);
          } else if (e.type === 'known' && addresses.length > 1) {
            encoder.allocKnown(e.allocator, 0, e.size, pickId(e.pick));
            alloc(pickId(e.pick), e.allocator, e.size);
          } else if (e.type === 'free' && addresses.length > 1) {
            const id = pickId(e.pick);
            encoder.free(id);
            expected.push([live.delete(id) ? 'free' : 'unknown free', id]);
          } else if (e.type === 'foreign') {
            encoder.foreignFree();
            expected.push(['foreign']);
          } else if (e.type === 'time') {
            time += e.microseconds * 1000;
            encoder.time(time + 999);
            if (e.microseconds > 0) expected.push(['time', time]);
          } else if (e.type === 'thread') {
            thread = e.thread;
            encoder.thread(thread);
          } else if (e.type === 'block') {
            payloads.push(encoder.take());
            expect(encoder.isEmpty).toBe(true);
          }
        }
        payloads.push(encoder.take());
        const { events: decoded } = await decode(...payloads);
        expect(decoded).toEqual(expected);
      },
    );
    await fc.assert(property, { numRuns: 200 });
  });

  it('of definitions and names decode to what was written', async () => {
    const encoder = new RecordEncoder(START);
    const [name, file] = [encoder.string('größe'), encoder.string('/app/a.ts')];
    const frame = encoder.labelFrame(name);
    const other = encoder.labelFrame(file);
    const stack = encoder.stack(0, [frame, other], 4);
    encoder.stack(1, [frame], 0);
    encoder.symbol({ module: 3, offset: 2 ** 40, function: name, file, line: 7, inlined: 1 });
    encoder.symbol({ module: 3, offset: 2 ** 40, function: file, file: 0, line: 0, inlined: 0 });
    encoder.origin({ frame, functionName: name, file, line: 8, column: 9 });
    encoder.package(file, '@scope/name', '1.2.3');
    encoder.sourceLine(file, 8, 0, 'größe();');
    encoder.sourceLine(file, 8, 900, '…größe();');
    encoder.metadata({ command: ['node', 'ü'] });
    const payload = encoder.take();
    encoder.trailer({ end: 'killed', peakBytes: 5 });
    const { end } = await decode(payload, encoder.take());
    const { tables } = end;
    expect(tables.frame(frame)).toEqual({ kind: 'label', label: 'größe' });
    expect(tables.stackFrames(stack)).toEqual([other, frame]);
    expect(tables.stackFrames(stack + 1)).toEqual([frame, frame]);
    expect(tables.stackFlags.get(stack)).toBe(4);
    expect(tables.symbols(3, 2 ** 40)).toEqual([
      { function: '/app/a.ts', file: '', line: 0, inlined: 0 },
      { function: 'größe', file: '/app/a.ts', line: 7, inlined: 1 },
    ]);
    const origin = { functionName: 'größe', file: '/app/a.ts', line: 8, column: 9 };
    expect(tables.origins.get(frame)).toEqual(origin);
    expect(tables.packages.get('/app/a.ts')).toEqual({ name: '@scope/name', version: '1.2.3' });
    expect(tables.sourceLines.get(sourceLineKey('/app/a.ts', 8, 0))).toBe('größe();');
    expect(tables.sourceLines.get(sourceLineKey('/app/a.ts', 8, 900))).toBe('…größe();');
    expect(end.metadata.command).toEqual(['node', 'ü']);
    expect(end.trailer).toMatchObject({ end: 'killed', peakBytes: 5 });
    expect(encoder.state).toMatchObject({ nextString: 3, nextFrame: 3, nextNode: 4, nextStack: 3 });
  });

  it('of maps decode to what was written', async () => {
    const encoder = new RecordEncoder({ ...START, timeNs: 5000 });
    const map = { op: 2, address: 2 ** 46, length: 1, prot: 2 ** 45, flags: 4096, stack: 0 };
    const deltas = [
      { class: 0, stack: 0, bytes: -(2 ** 40), ranges: -1 },
      { class: 1, stack: 0, bytes: 4096, ranges: 1 },
    ];
    encoder.map({ ...map, deltas });
    const { events } = await decode(encoder.take());
    expect(events).toEqual([
      ['time', 5000],
      ['map', { timeNs: 5000, ...map, deltas }],
    ]);
  });

  it('cut a string that is too long', async () => {
    const encoder = new RecordEncoder(START);
    const id = encoder.string('é'.repeat(LIMITS.kMaxStringBytes));
    const { end } = await decode(encoder.take());
    expect(end.tables.string(id)).toBe('é'.repeat(LIMITS.kMaxStringBytes / 2));
  });

  it('that no reader would take are refused, and leave nothing behind', async () => {
    const encoder = new RecordEncoder(START);
    const text = 'x'.repeat(LIMITS.kMaxRecordBytes);
    expect(() => encoder.metadata({ text })).toThrow(RangeError);
    encoder.metadata({ cwd: '/' });
    const { end } = await decode(encoder.take());
    expect(end.metadata).toEqual({ cwd: '/' });
  });
});
