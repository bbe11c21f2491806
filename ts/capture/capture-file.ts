// SPDX-License-Identifier: MIT
// The file of a capture, and what its first blocks say about the process.

import { type FileHandle, open } from 'node:fs/promises';
import type { OpenFile } from '../decode/byte-source.js';
import { readCapture } from '../decode/read-capture.js';
import { parseMetadata } from '../format/metadata.js';
import type { FileHeader } from '../format/records.js';
import { UsageError } from '../tracker/usage-error.js';
import { type CaptureMetadata, captureMetadata } from './metadata.js';

/** Metadata stands in the first block; only a damaged capture makes us look further. */
const BLOCKS_TO_LOOK_AT = 4;
const CHUNK_BYTES = 64 * 1024;

/** Ends the reading of a capture of which enough was seen. */
class Enough extends Error {}

/** A file that stays open between passes, so that all of them read the same one. */
export class CaptureFile implements OpenFile {
  readonly path: string;
  readonly #handle: FileHandle;
  #closed = false;

  private constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  static async open(path: string): Promise<CaptureFile> {
    return new CaptureFile(path, await open(path, 'r'));
  }

  async read(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<number> {
    this.check();
    return (await this.#handle.read(buffer, offset, length, position)).bytesRead;
  }

  /** @throws UsageError once it is closed */
  check(): void {
    if (!this.#closed) return;
    throw new UsageError('the capture was closed', 'close it when everything was asked');
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#handle.close();
  }
}

/** @throws FormatError */
export async function readMetadata(file: OpenFile): Promise<CaptureMetadata> {
  const headers: FileHeader[] = [];
  let json: Readonly<Record<string, unknown>> = {};
  let blocks = 0;
  const consumer = {
    onStart: (capture: { header: FileHeader }) => headers.push(capture.header),
    onMetadata: (more: unknown) => {
      json = { ...json, ...(more as object) };
    },
  };
  const pause = (): undefined => {
    blocks++;
    if (Object.keys(json).length > 0 || blocks === BLOCKS_TO_LOOK_AT) throw new Enough();
  };
  try {
    await readCapture(file, consumer, { pause, recover: false, chunkBytes: CHUNK_BYTES });
  } catch (error) {
    if (!(error instanceof Enough)) throw error;
  }
  return captureMetadata(headers[0] as FileHeader, parseMetadata(json));
}
