// SPDX-License-Identifier: MIT
// Where a capture's bytes come from: a file, memory, or anything that yields chunks, such as a socket.

import { type FileHandle, open } from 'node:fs/promises';
import type { ReadBytes } from './byte-window.js';

/** A file that the caller opened and will close. */
export interface OpenFile {
  readonly path: string;
  /** Fills buffer[offset, offset + length) as far as it can from what is at `position`; 0 means the end. */
  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<number>;
}

export type CaptureSource = string | OpenFile | Uint8Array | AsyncIterable<Uint8Array>;

/** Where the source lies, for what lies beside it; null for bytes that come from no file. */
export function pathOf(source: CaptureSource): string | null {
  if (typeof source === 'string') return source;
  return isOpenFile(source) ? source.path : null;
}

/** A stream has a path and can be read too, but not from wherever one likes. */
function isOpenFile(source: Exclude<CaptureSource, string>): source is OpenFile {
  return 'path' in source && !(Symbol.asyncIterator in source);
}

export interface OpenSource {
  readonly bytes: Uint8Array | ReadBytes;
  close(): Promise<void>;
}

export async function openSource(source: CaptureSource): Promise<OpenSource> {
  if (source instanceof Uint8Array) return { bytes: source, close: async () => {} };
  if (typeof source === 'string') {
    const file = await open(source, 'r');
    return { bytes: readFrom(file), close: () => file.close() };
  }
  if (isOpenFile(source)) return { bytes: readFromStart(source), close: async () => {} };
  return chunkReader(source);
}

/** In order, so that pipes will do. */
const readFrom =
  (file: FileHandle): ReadBytes =>
  async (buffer, offset, length) =>
    (await file.read(buffer, offset, length, null)).bytesRead;

/** Wherever other readers of the file are. */
function readFromStart(file: OpenFile): ReadBytes {
  let position = 0;
  return async (buffer, offset, length) => {
    const count = await file.read(buffer, offset, length, position);
    position += count;
    return count;
  };
}

function chunkReader(chunks: AsyncIterable<Uint8Array>): OpenSource {
  const iterator = chunks[Symbol.asyncIterator]();
  let rest = new Uint8Array(0);
  const bytes: ReadBytes = async (buffer, offset, length) => {
    while (rest.length === 0) {
      const next = await iterator.next();
      if (next.done) return 0;
      rest = new Uint8Array(next.value);
    }
    const part = rest.subarray(0, length);
    buffer.set(part, offset);
    rest = rest.subarray(part.length);
    return part.length;
  };
  return {
    bytes,
    close: async () => {
      await iterator.return?.();
    },
  };
}
