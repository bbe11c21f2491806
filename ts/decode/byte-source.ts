// SPDX-License-Identifier: MIT
// Where a capture's bytes come from: a file, memory, or anything that yields chunks, such as a socket.

import { type FileHandle, open } from 'node:fs/promises';
import type { ReadBytes } from './byte-window.js';

/** A file that the caller opened and will close. */
export interface OpenFile {
  readonly path: string;
  readonly handle: FileHandle;
}

export type CaptureSource = string | OpenFile | Uint8Array | AsyncIterable<Uint8Array>;

/** Where the source lies, for what lies beside it; null for bytes that come from no file. */
export function pathOf(source: CaptureSource): string | null {
  if (typeof source === 'string') return source;
  return 'handle' in source ? source.path : null;
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
  if ('handle' in source) return { bytes: readFromStart(source.handle), close: async () => {} };
  return chunkReader(source);
}

/** In order, so that pipes will do. */
const readFrom =
  (file: FileHandle): ReadBytes =>
  async (buffer, offset, length) =>
    (await file.read(buffer, offset, length, null)).bytesRead;

/** From the file's start, wherever other readers of the handle are. */
function readFromStart(file: FileHandle): ReadBytes {
  let position = 0;
  return async (buffer, offset, length) => {
    const { bytesRead } = await file.read(buffer, offset, length, position);
    position += bytesRead;
    return bytesRead;
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
