// SPDX-License-Identifier: MIT
// Blocks in a row to a block decoder: framing, checksums, compression, and what is dropped (docs/format.md §3).

import { BLOCK_HEADER_BYTES, BLOCK_KIND, LIMITS } from '../format/constants.js';
import type { BlockDecoder } from './block-decoder.js';
import { checksumHolds, isPlausibleLength, kindAt, payloadBytesAt } from './block-frame.js';
import type { ByteWindow } from './byte-window.js';
import type { RecordConsumer } from './consumer.js';
import type { FormatError } from './format-error.js';
import { inflate } from './inflate.js';

/** Called after each block of records; reading goes on when the promise, if there is one, is fulfilled. */
export type Pause = () => Promise<void> | undefined;

export class BlockReader {
  bytesDropped = 0;
  blocksDropped = 0;

  readonly #window: ByteWindow;
  readonly #decoder: BlockDecoder;
  readonly #consumer: RecordConsumer;
  readonly #pause: Pause | undefined;

  constructor(window: ByteWindow, decoder: BlockDecoder, consumer: RecordConsumer, pause?: Pause) {
    this.#window = window;
    this.#decoder = decoder;
    this.#consumer = consumer;
    this.#pause = pause;
  }

  /** Reads on to the end of the file, to filler or to a torn tail. */
  async readAll(): Promise<void> {
    while (await this.#readBlock());
  }

  async #readBlock(): Promise<boolean> {
    const window = this.#window;
    if (!(await window.ensure(1))) return false;
    if (!(await window.ensure(BLOCK_HEADER_BYTES))) return this.#rest('ends within a block header');
    const payloadBytes = payloadBytesAt(window.bytes, window.start);
    if (payloadBytes === 0) return this.#filler();
    if (!isPlausibleLength(payloadBytes)) return this.#rest('no block here');
    const blockBytes = BLOCK_HEADER_BYTES + payloadBytes;
    if (!(await window.ensure(blockBytes))) return this.#rest('ends within a block');
    if (checksumHolds(window.bytes, window.start, payloadBytes)) {
      const kind = kindAt(window.bytes, window.start);
      await this.#block(window.bytes, window.start, kind, payloadBytes, window.offset);
    } else {
      // F-7: a length that leads on was right, so the damage is inside; else nothing behind it can be trusted.
      if (!(await this.#leadsOn(blockBytes))) return this.#rest('damaged, and no block follows');
      const compressed = kindAt(window.bytes, window.start) !== BLOCK_KIND.records;
      this.#decoder.skip(compressed ? LIMITS.kMaxInflatedBytes : payloadBytes);
      this.#drop(window.offset, blockBytes, 'checksum does not hold');
    }
    window.skip(blockBytes);
    return true;
  }

  /** Whether a valid block, filler or the end of the file follows `blockBytes` later. */
  async #leadsOn(blockBytes: number): Promise<boolean> {
    const window = this.#window;
    if (!(await window.ensure(blockBytes + 1))) return true;
    if (!(await window.ensure(blockBytes + BLOCK_HEADER_BYTES))) return false;
    const payloadBytes = payloadBytesAt(window.bytes, window.start + blockBytes);
    if (payloadBytes === 0) return true;
    if (!isPlausibleLength(payloadBytes)) return false;
    if (!(await window.ensure(blockBytes + BLOCK_HEADER_BYTES + payloadBytes))) return false;
    return checksumHolds(window.bytes, window.start + blockBytes, payloadBytes);
  }

  async #block(
    bytes: Uint8Array,
    at: number,
    kind: number,
    payloadBytes: number,
    offset: number,
  ): Promise<void> {
    this.#consumer.onBlock?.(offset, payloadBytes, kind);
    const start = at + BLOCK_HEADER_BYTES;
    const end = start + payloadBytes;
    if (kind === BLOCK_KIND.records) {
      await this.#records(bytes, start, end, offset);
    } else if (kind === BLOCK_KIND.columns) {
      await this.#columns(bytes, start, end, offset);
    } else if (kind === BLOCK_KIND.zstd || kind === BLOCK_KIND.gzip) {
      const inner = inflate(kind, bytes.subarray(start, end));
      if (inner) return await this.#innerBlocks(inner, offset);
      this.#decoder.skip(LIMITS.kMaxInflatedBytes);
      this.#drop(offset, BLOCK_HEADER_BYTES + payloadBytes, 'does not decompress');
    } else {
      this.#decoder.skip(LIMITS.kMaxInflatedBytes);
      this.#drop(offset, BLOCK_HEADER_BYTES + payloadBytes, `unknown kind of block ${kind}`);
    }
  }

  #records(
    bytes: Uint8Array,
    start: number,
    end: number,
    offset: number,
  ): Promise<void> | undefined {
    const malformed = this.#decoder.decode(bytes, start, end);
    if (malformed !== null) this.#dropRest(malformed, end - start, offset);
    return this.#pause?.();
  }

  #dropRest(malformed: FormatError, payloadBytes: number, offset: number): void {
    // What stands before the malformed record was read: the block is not among the dropped ones.
    const lost = payloadBytes - malformed.offset;
    const at = offset + BLOCK_HEADER_BYTES + malformed.offset;
    this.bytesDropped += lost;
    this.#consumer.onDropped?.({ offset: at, bytes: lost, reason: malformed.message });
  }

  async #columns(bytes: Uint8Array, start: number, end: number, offset: number): Promise<void> {
    const payloads = this.#decoder.columns.payloads(bytes.subarray(start, end));
    let next = payloads.next();
    for (; !next.done; next = payloads.next()) {
      await this.#records(next.value, 0, next.value.length, offset);
    }
    if (next.value) return;
    this.#decoder.skip(end - start);
    this.#drop(offset, BLOCK_HEADER_BYTES + end - start, 'malformed columns');
  }

  /** F-8: blocks of kinds 1 and 4, and nothing else; `offset` is that of the block around them. */
  async #innerBlocks(bytes: Uint8Array, offset: number): Promise<void> {
    let at = 0;
    while (at < bytes.length) {
      const left = bytes.length - at;
      const payloadBytes = left < BLOCK_HEADER_BYTES ? 0 : payloadBytesAt(bytes, at);
      const blockBytes = BLOCK_HEADER_BYTES + payloadBytes;
      if (!isPlausibleLength(payloadBytes) || blockBytes > left) {
        this.#decoder.skip(left);
        return this.#drop(offset, left, 'no block here in a compressed one');
      }
      const end = at + blockBytes;
      const kind = kindAt(bytes, at);
      if (kind === BLOCK_KIND.columns) {
        // The checksum of the compressed block covers them.
        await this.#columns(bytes, at + BLOCK_HEADER_BYTES, end, offset);
      } else if (kind === BLOCK_KIND.records && checksumHolds(bytes, at, payloadBytes)) {
        await this.#records(bytes, at + BLOCK_HEADER_BYTES, end, offset);
      } else {
        this.#decoder.skip(payloadBytes);
        this.#drop(offset, blockBytes, 'damaged block in a compressed one');
      }
      at = end;
    }
  }

  #drop(offset: number, bytes: number, reason: string): void {
    this.blocksDropped++;
    this.bytesDropped += bytes;
    this.#consumer.onDropped?.({ offset, bytes, reason });
  }

  /** F-6: zeros are no loss. */
  async #filler(): Promise<false> {
    const { offset } = this.#window;
    const { nonZeroBytes } = await this.#window.drain();
    if (nonZeroBytes > 0) this.#drop(offset, nonZeroBytes, 'filler that is not empty');
    return false;
  }

  async #rest(reason: string): Promise<false> {
    const { offset } = this.#window;
    const { bytes, nonZeroBytes } = await this.#window.drain();
    if (nonZeroBytes > 0) this.#drop(offset, bytes, reason);
    return false;
  }
}
