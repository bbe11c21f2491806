// SPDX-License-Identifier: MIT
// A capture, from its first byte to what its rings still hold, in one pass and bounded memory.

import { FILE_HEADER_BYTES } from '../format/constants.js';
import { type Metadata, parseMetadata, parseTrailer, type Trailer } from '../format/metadata.js';
import type { FileHeader } from '../format/records.js';
import { BlockDecoder } from './block-decoder.js';
import { BlockReader, type Pause } from './block-reader.js';
import { type CaptureSource, openSource, pathOf } from './byte-source.js';
import { ByteWindow, type ReadBytes } from './byte-window.js';
import type { RecordConsumer } from './consumer.js';
import type { Counts } from './counts.js';
import { parseFileHeader } from './file-header.js';
import { IntervalMap } from './interval-map.js';
import { type RingsRecovered, recoverRings } from './rings.js';
import { RingsFile } from './rings-file.js';
import type { Tables } from './tables.js';

const CHUNK_BYTES = 4 * 1024 * 1024;

export interface ReadOptions {
  /** Keep the address of every address id for the consumer; 8 bytes each. */
  readonly keepAddresses?: boolean;
  /** Recover what FILE.rings holds, if the source is a path and its capture was cut off. Default: true. */
  readonly recover?: boolean;
  readonly chunkBytes?: number;
  /** For consumers whose results must be taken away by and by. */
  readonly pause?: Pause;
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
  /** null: nothing was, or nothing had to be. */
  readonly ringsRecovered: RingsRecovered | null;
}

/**
 * Reads a whole capture. Rejects with FormatError when the source is not a capture (F-5) or of another major version (F-4),
 * and with the error of the source or the consumer; damage behind the header is reported, not thrown.
 */
export async function readCapture(
  source: CaptureSource,
  consumer: RecordConsumer,
  options: ReadOptions = {},
): Promise<CaptureEnd> {
  const input = await openSource(source);
  try {
    return await readOpened(input.bytes, source, consumer, options);
  } finally {
    await input.close();
  }
}

async function readOpened(
  bytes: Uint8Array | ReadBytes,
  source: CaptureSource,
  consumer: RecordConsumer,
  options: ReadOptions,
): Promise<CaptureEnd> {
  const window = new ByteWindow(bytes, { chunkBytes: options.chunkBytes ?? CHUNK_BYTES });
  await window.ensure(FILE_HEADER_BYTES);
  const header = parseFileHeader(window.bytes.subarray(window.start, window.end));
  await window.ensure(header.headerBytes);
  window.skip(Math.min(header.headerBytes, window.available));

  const path = (options.recover ?? true) ? pathOf(source) : null;
  const rings = path === null ? null : await RingsFile.open(`${path}.rings`, header.captureId);
  try {
    const keepAddresses = options.keepAddresses === true || rings !== null;
    const decoder = new BlockDecoder(consumer, { keepAddresses });
    const { tables } = decoder;
    const address = (id: number) => decoder.address(id);
    consumer.onStart?.({ header, tables, blocks: decoder.live, address });
    const mappings = new IntervalMap(() => decoder.long.metadata['platform'] === 'darwin');
    decoder.long.keepsRingStacks = rings !== null;
    if (rings) decoder.long.mapObserver = (map) => mappings.replay(map);
    const reader = new BlockReader(window, decoder, consumer, options.pause);
    await reader.readAll();
    const cutOff = decoder.long.trailer === null;
    const ringsRecovered = rings && cutOff ? await recoverRings(rings, decoder, mappings) : null;
    return captureEnd(header, window, decoder, reader, ringsRecovered);
  } finally {
    await rings?.close();
  }
}

function captureEnd(
  header: FileHeader,
  window: ByteWindow,
  decoder: BlockDecoder,
  reader: BlockReader,
  ringsRecovered: RingsRecovered | null,
): CaptureEnd {
  const { trailer, metadata } = decoder.long;
  return {
    header,
    metadata: parseMetadata(metadata),
    trailer: trailer && parseTrailer(trailer),
    truncated: trailer === null,
    bytesRead: window.offset,
    bytesDropped: reader.bytesDropped,
    blocksDropped: reader.blocksDropped,
    counts: decoder.counts,
    tables: decoder.tables,
    endTimeNs: decoder.timeNs,
    ringsRecovered,
  };
}
