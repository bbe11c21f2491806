// SPDX-License-Identifier: MIT
// FILE.rings (docs/format.md §7): what each thread's ring still holds.

import { type FileHandle, open } from 'node:fs/promises';
import {
  RING_FIRST_VARIABLE,
  RING_KIND,
  RING_WORD_BYTES,
  RING_WORDS,
  RINGS_HEADER_BYTES,
  RINGS_MAGIC,
  RINGS_OFFSET,
  SLOT_HEADER_BYTES,
  SLOT_OFFSET,
  VERSION_MAJOR,
} from '../format/constants.js';

const MAX_SLOT_BYTES = 2 ** 30;
const TWO_32 = 4_294_967_296;

export interface RingsHeader {
  readonly captureId: bigint;
  readonly slotBytes: number;
  readonly slotCount: number;
  readonly ticksAtStart: bigint;
  readonly ticksPerSecond: number;
}

/** Records of one ring, in order. `stamp` and the fields are those of the current one. */
export class RingCursor {
  readonly thread: number;
  /** Ticks since the capture's start; Infinity behind the last record. */
  stamp = 0;
  kind = 0;
  /** What could not be understood at the end. */
  bytesDropped = 0;

  readonly #view: DataView;
  readonly #startLow: number;
  readonly #startHigh: number;
  #at = 0;
  #words = 0;

  constructor(thread: number, bytes: Uint8Array, ticksAtStart: bigint) {
    this.thread = thread;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#startLow = Number(ticksAtStart % BigInt(TWO_32));
    this.#startHigh = Number(ticksAtStart / BigInt(TWO_32));
    this.next();
  }

  get done(): boolean {
    return this.stamp === Number.POSITIVE_INFINITY;
  }

  next(): void {
    this.#at += this.#words * RING_WORD_BYTES;
    const left = this.#view.byteLength - this.#at;
    this.#words = left < 2 * RING_WORD_BYTES ? 0 : this.#recordWords();
    if (this.#words < 2 || this.#words * RING_WORD_BYTES > left) {
      this.bytesDropped = left;
      this.stamp = Number.POSITIVE_INFINITY;
      return;
    }
    // The difference is exact where the stamps themselves, after weeks of uptime, would not be.
    const low = this.#low(0) - this.#startLow;
    this.stamp = (this.#high(0) - this.#startHigh) * TWO_32 + low;
    this.kind = this.#low(1) & 0xff;
  }

  /** Allocator or op. */
  get detail(): number {
    return (this.#low(1) >>> 8) & 0xff;
  }

  /** Of a free or an alloc. */
  get address(): number {
    return this.#high(1) * 65_536 + (this.#low(1) >>> 16);
  }

  get ringStack(): number {
    return this.kind === RING_KIND.map ? this.#high(1) : this.#low(3);
  }

  word(index: number): number {
    return this.#high(index) * TWO_32 + this.#low(index);
  }

  #recordWords(): number {
    const kind = this.#low(1) & 0xff;
    if (kind >= RING_FIRST_VARIABLE) return this.#high(1);
    if (kind === RING_KIND.free) return RING_WORDS.free;
    if (kind === RING_KIND.alloc) return RING_WORDS.alloc;
    return kind === RING_KIND.map ? RING_WORDS.map : 0;
  }

  #low(word: number): number {
    return this.#view.getUint32(this.#at + word * RING_WORD_BYTES, true);
  }

  #high(word: number): number {
    return this.#view.getUint32(this.#at + word * RING_WORD_BYTES + 4, true);
  }
}

export class RingsFile {
  readonly header: RingsHeader;
  readonly #file: FileHandle;

  private constructor(file: FileHandle, header: RingsHeader) {
    this.#file = file;
    this.header = header;
  }

  /** The rings of the capture with this id, or null when there are none: no file, or one that is not theirs. */
  static async open(path: string, captureId: bigint): Promise<RingsFile | null> {
    let file: FileHandle;
    try {
      file = await open(path, 'r');
    } catch {
      return null; // A clean stop deletes it; one that cannot be opened cannot help either.
    }
    const header = parseHeader(await readAt(file, 0, RINGS_HEADER_BYTES));
    if (header?.captureId === captureId) return new RingsFile(file, header);
    await file.close();
    return null;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /** What each ring holds behind the larger of its own tail and `tails` (F-19). */
  async cursors(tails: ReadonlyMap<number, number>): Promise<RingCursor[]> {
    const { slotBytes, ticksAtStart } = this.header;
    const { size } = await this.#file.stat();
    const slots = Math.min(
      this.header.slotCount,
      Math.ceil(Math.max(0, size - RINGS_HEADER_BYTES) / slotBytes),
    );
    const cursors: RingCursor[] = [];
    for (let slot = 0; slot < slots; slot++) {
      const offset = RINGS_HEADER_BYTES + slot * slotBytes;
      const page = await readAt(this.#file, offset, SLOT_HEADER_BYTES);
      const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
      const thread = view.getUint32(SLOT_OFFSET.thread, true);
      const head = Number(view.getBigUint64(SLOT_OFFSET.head, true));
      const slotTail = Number(view.getBigUint64(SLOT_OFFSET.tail, true));
      const tail = Math.max(slotTail, tails.get(thread) ?? 0);
      const ringBytes = slotBytes - SLOT_HEADER_BYTES;
      const held = head - tail;
      if (thread === 0 || held <= 0 || held > ringBytes) continue;
      const bytes = await this.#held(offset + SLOT_HEADER_BYTES, ringBytes, tail, held);
      cursors.push(new RingCursor(thread, bytes, ticksAtStart));
    }
    return cursors;
  }

  /** The bytes [tail, tail + held) of a ring, in a row. */
  async #held(offset: number, ringBytes: number, tail: number, held: number): Promise<Uint8Array> {
    const at = tail % ringBytes;
    const first = await readAt(this.#file, offset + at, Math.min(held, ringBytes - at));
    if (first.length === held) return first;
    return Buffer.concat([first, await readAt(this.#file, offset, held - first.length)]);
  }
}

function parseHeader(bytes: Uint8Array): RingsHeader | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const slotBytes = view.getUint32(RINGS_OFFSET.slot_bytes, true);
  const ringBytes = slotBytes - SLOT_HEADER_BYTES;
  const valid =
    RINGS_MAGIC.every((byte, i) => byte === bytes[i]) &&
    view.getUint16(RINGS_OFFSET.version_major, true) === VERSION_MAJOR &&
    slotBytes <= MAX_SLOT_BYTES &&
    ringBytes >= RING_WORD_BYTES &&
    (ringBytes & (ringBytes - 1)) === 0;
  if (!valid) return null;
  return {
    captureId: view.getBigUint64(RINGS_OFFSET.capture_id, true),
    slotBytes,
    slotCount: view.getUint32(RINGS_OFFSET.slot_count, true),
    ticksAtStart: view.getBigUint64(RINGS_OFFSET.ticks_at_start, true),
    ticksPerSecond: Number(view.getBigUint64(RINGS_OFFSET.ticks_per_second, true)),
  };
}

/** Always `length` bytes: a sparse or short file reads as zeros. */
async function readAt(file: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes;
}
