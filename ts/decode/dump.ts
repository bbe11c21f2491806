// SPDX-License-Identifier: MIT
// Every record of a capture as one line, for people (text) and for programs (JSON).

import type { CaptureSource } from './byte-source.js';
import { DumpConsumer, type DumpRecord } from './dump-consumer.js';
import { type CaptureEnd, readCapture } from './read-capture.js';

const FLUSH_CHARACTERS = 65_536;
const HEXADECIMAL = new Set(['address', 'newAddress', 'base', 'end', 'bias', 'offset', 'tag']);
/** Positions in the file, which people compare with byte counts. */
const DECIMAL_OFFSETS = new Set(['block', 'dropped']);

export interface DumpOptions {
  readonly format?: 'text' | 'json';
  readonly recover?: boolean;
  /** Told of each block's offset in the file. */
  readonly onBlock?: (offset: number) => void;
}

/** Calls `write` with whole lines; reading waits for the promise that it may return. */
export async function dumpCapture(
  source: CaptureSource,
  write: (lines: string) => Promise<void> | undefined,
  { format = 'text', recover = true, onBlock }: DumpOptions = {},
): Promise<CaptureEnd> {
  const toLine = format === 'json' ? jsonLine : textLine;
  let lines = '';
  const consumer = new DumpConsumer((record) => {
    lines += `${toLine(record)}\n`;
    if (record.type === 'block') onBlock?.(Number(record['offset']));
  });
  const flush = (): Promise<void> | undefined => {
    const full = lines;
    lines = '';
    return full === '' ? undefined : write(full);
  };
  const pause = () => (lines.length >= FLUSH_CHARACTERS ? flush() : undefined);
  const end = await readCapture(source, consumer, { keepAddresses: true, recover, pause });
  consumer.finish(end);
  await flush();
  return end;
}

const jsonLine = (record: DumpRecord): string => JSON.stringify(record);

/** `type name=value …`; texts and lists as JSON, addresses in hexadecimal. */
export function textLine({ type, ...fields }: DumpRecord): string {
  let line = type;
  for (const [name, value] of Object.entries(fields)) {
    const hexadecimal = HEXADECIMAL.has(name) && !DECIMAL_OFFSETS.has(type);
    if (typeof value === 'number' && hexadecimal) line += ` ${name}=0x${value.toString(16)}`;
    else if (typeof value === 'string' && /^[\w.()-]+$/.test(value)) line += ` ${name}=${value}`;
    else line += ` ${name}=${JSON.stringify(value)}`;
  }
  return line;
}
