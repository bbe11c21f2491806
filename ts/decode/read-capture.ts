// SPDX-License-Identifier: MIT
// A capture, from its first byte to what its rings still hold, in one pass and bounded memory.

import type { FileHeader } from '../format/records.js';
import { type Metadata, parseMetadata, parseTrailer, type Trailer } from '../format/metadata.js';
import { FILE_HEADER_BYTES } from '../format/constants.js';
import { BlockDecoder } from './block-decoder.js';
import { BlockReader } from './block-reader.js';
import { type CaptureSource, openSource } from './byte-source.js';
import { ByteWindow } from './byte-window.js';
import type { RecordConsumer } from './consumer.js';
import type { Counts } from './counts.js';
import { parseFileHeader } from './file-header.js';
import type { Tables } from './tables.js';

const CHUNK_BYTES = 4 * 1024 * 1024;

export interface ReadOptions {
  /** Keep the address of every address id, for the consumer's onStart. Costs 8 bytes each. */
  readonly keepAddresses?: boolean;
  readonly chunkBytes?: number;
}

/** Everything about a capture but its events. */
export interface CaptureEnd {
  readonly header: FileHeader;
  readonly metadata: Metadata;
  readonly trailer: Trailer | null;
  /** F-14: it was cut off, so totals cover what was read. */
  readonly truncated: boolean;
  readonly bytesRead: number;
  readonly bytesDropped: number;
  readonly blocksDropped: number;
  readonly counts: Counts;
  readonly tables: Tables;
  /** Of the last event, in nanoseconds since the start. */
  readonly endTimeNs: number;
}

export async function readCapture(
  source: CaptureSource,
  consumer: RecordConsumer,
  options: ReadOptions = {},
): Promise<CaptureEnd> {
  const input = await openSource(source);
  try {
    const window = new ByteWindow(input.bytes, { chunkBytes: options.chunkBytes ?? CHUNK_BYTES });
    await window.ensure(FILE_HEADER_BYTES);
    const header = parseFileHeader(window.bytes.subarray(window.start, window.end));
    await window.ensure(header.headerBytes);
    window.skip(Math.min(header.headerBytes, window.available));
    const decoder = new BlockDecoder(consumer, { keepAddresses: options.keepAddresses ?? false });
    const reader = new BlockReader(window, decoder, consumer);
    await reader.readAll();
    const { trailer } = decoder.long;
    return {
      header,
      metadata: parseMetadata(decoder.long.metadata),
      trailer: trailer && parseTrailer(trailer),
      truncated: trailer === null,
      bytesRead: window.offset,
      bytesDropped: reader.bytesDropped,
      blocksDropped: reader.blocksDropped,
      counts: decoder.counts,
      tables: decoder.tables,
      endTimeNs: decoder.timeNs,
    };
  } finally {
    await input.close();
  }
}
