// SPDX-License-Identifier: MIT
// Everything that a reader is told about a capture, to compare two of them.

import type { RecordConsumer } from '../../ts/decode/consumer.js';
import { type CaptureEnd, readCapture } from '../../ts/decode/read-capture.js';
import type { Tables } from '../../ts/decode/tables.js';

export interface CaptureDigest {
  /** One line an event, in order. */
  readonly events: readonly string[];
  readonly stacks: readonly string[];
  /** Of the blocks in the file. */
  readonly blockKinds: readonly number[];
  readonly trailers: number;
  readonly end: CaptureEnd;
}

/** `wholeTimes` cuts times to microseconds, as records of time do. */
export async function digest(source: string, { wholeTimes = false } = {}): Promise<CaptureDigest> {
  const events: string[] = [];
  const add = (...parts: readonly unknown[]) => events.push(parts.join(' '));
  const time = (timeNs: number) => (wholeTimes ? Math.floor(timeNs / 1000) : timeNs);
  const blockKinds: number[] = [];
  let lastTime = 0;
  let trailers = 0;
  const consumer: RecordConsumer = {
    onBlock: (_offset, _bytes, kind) => blockKinds.push(kind),
    onAlloc: (...args) => add('alloc', ...args),
    onFree: (...args) => add('free', ...args),
    onTrailer: () => {
      trailers++;
    },
    onForeignFree: () => add('foreign'),
    onTime: (timeNs) => {
      if (time(timeNs) !== lastTime) add('time', time(timeNs));
      lastTime = time(timeNs);
    },
    onMap: (map) => add('map', JSON.stringify({ ...map, timeNs: time(map.timeNs) })),
    onSample: (sample) => add('sample', JSON.stringify(sample)),
    onMark: (mark) => add('mark', JSON.stringify(mark)),
    onStall: (stall) => add('stall', JSON.stringify(stall)),
    onUnknownFree: (id) => add('unknown', id),
    onMissedFree: (id) => add('missed', id),
  };
  const end = await readCapture(source, consumer);
  return { events, stacks: stackTexts(end.tables), blockKinds, trailers, end };
}

function stackTexts(tables: Tables): string[] {
  return Array.from({ length: tables.stackCount }, (_, stack) =>
    tables
      .stackFrames(stack)
      .map((id) => JSON.stringify(tables.frame(id)))
      .join(' '),
  );
}
