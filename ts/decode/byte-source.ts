// SPDX-License-Identifier: MIT
// Where a capture's bytes come from: a file, memory, or anything that yields chunks, such as a socket.

import { type FileHandle, open } from 'node:fs/promises';
import type { ReadBytes } from './byte-window.js';

export type CaptureSource = string | Uint8Array | AsyncIterable<Uint8Array>;

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
  return chunkReader(source);
}

const readFrom =
  (file: FileHandle): ReadBytes =>
  async (buffer, offset, length) =>
    (await file.read(buffer, offset, length, null)).bytesRead;

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
