// SPDX-License-Identifier: MIT
// Makes a capture complete: what its rings still held, the names that its frames need, a trailer,
// and smaller. Until the new file is on disk, the old one and its rings stay as they are.

import { type FileHandle, open, realpath, stat, unlink } from 'node:fs/promises';
import { parseFileHeader } from '../decode/file-header.js';
import type { CaptureEnd } from '../decode/read-capture.js';
import { RingsFile } from '../decode/rings-file.js';
import { MAX_FILE_HEADER_BYTES } from '../format/constants.js';
import type { JsonRecord } from '../format/encode.js';
import { parseTrailer, type Trailer } from '../format/metadata.js';
import type { FileHeader } from '../format/records.js';
import type { Confidential } from '../model/confidential.js';
import { BlockBuilder, prologueAfter } from './block-builder.js';
import { BlockSink } from './block-sink.js';
import { type CaptureScan, scanBlocks, scanRings } from './capture-scan.js';
import { type Compression, compressor } from './compress.js';
import { applyNames, lookUpNames } from './embed.js';
import { lookUpLines } from './embedded-lines.js';
import { NameWriter } from './name-records.js';
import { endedAtMs, type NameProblem, type Resolution } from './resolution.js';
import { copyBlocks, finalizedHeader, readRange, withoutTrailer } from './rewrite.js';
import { SafeFile } from './safe-file.js';
import { isRecording } from './still-recording.js';
import { trailerOf } from './trailer.js';

export interface FinalizeProgress {
  readonly step: 'read' | 'names' | 'write';
  readonly bytes: number;
  readonly totalBytes: number;
}

export interface FinalizeOptions {
  /** How the process ended, as far as the caller knows. */
  readonly end?: 'exec' | 'signal' | 'killed';
  readonly exit?: { readonly code: number | null; readonly signal: string | null };
  readonly compression?: Compression;
  /** Opens what names are looked up in; they are left out without it. */
  readonly resolution?: (end: CaptureEnd) => Resolution;
  /** Whose source lines stay out of the capture. */
  readonly confidentialFiles?: Confidential;
  readonly onProgress?: (progress: FinalizeProgress) => void;
}

export interface FinalizeResult {
  /** false: it was finalized before. */
  readonly changed: boolean;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  readonly names: number;
  readonly problems: readonly NameProblem[];
  /** What was read; null when nothing had to be. */
  readonly end: CaptureEnd | null;
  /** What was written, likewise. */
  readonly trailer: Trailer | null;
}

/** The capture cannot be finalized now; nothing was changed. */
export class FinalizeError extends Error {
  override readonly name = 'FinalizeError';
}

/** Rejects with FinalizeError, FormatError or an error of the file system. */
export async function finalize(
  path: string,
  options: FinalizeOptions = {},
): Promise<FinalizeResult> {
  const target = await realpath(path);
  const file = await open(target, 'r');
  try {
    const { size } = await file.stat();
    const headerBytes = await readRange(file, 0, Math.min(size, MAX_FILE_HEADER_BYTES));
    const header = parseFileHeader(headerBytes);
    if (header.finalized) {
      await removeRings(target, header);
      const same = { bytesBefore: size, bytesAfter: size };
      return { changed: false, ...same, names: 0, problems: [], end: null, trailer: null };
    }
    if (await isRecording(`${target}.rings`, header.pid)) {
      throw new FinalizeError(`process ${header.pid} is still recording ${path}`);
    }
    const rewriting = new Rewriting(target, file, size, header, options);
    return await rewriting.run(headerBytes.subarray(0, header.headerBytes));
  } finally {
    await file.close();
  }
}

class Rewriting {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #size: number;
  readonly #header: FileHeader;
  readonly #options: FinalizeOptions;

  constructor(
    path: string,
    file: FileHandle,
    size: number,
    header: FileHeader,
    options: FinalizeOptions,
  ) {
    this.#path = path;
    this.#file = file;
    this.#size = size;
    this.#header = header;
    this.#options = options;
  }

  async run(header: Uint8Array): Promise<FinalizeResult> {
    const before = await this.#file.stat();
    const first = await scanBlocks(this.#path, header.length, (bytes) => {
      this.#progress('read', bytes);
    });
    const builder = new BlockBuilder(prologueAfter(first.end.tables, first.end.endTimeNs));
    const scan = (await this.#hasRings(first))
      ? await scanRings(this.#path, first, builder)
      : first;
    const { names, problems } = await this.#addNames(scan, builder);
    const trailer = trailerOf(scan, this.#options);
    builder.encoder.trailer(trailer);
    builder.endBlock();

    const output = await SafeFile.create(this.#path, before.mode & 0o7777);
    try {
      await output.write(finalizedHeader(header));
      await this.#writeBlocks(scan, builder, output);
      await this.#assertUnchanged(before.mtimeMs);
      await output.commit();
    } catch (error) {
      await output.discard();
      throw error;
    }
    await removeRings(this.#path, this.#header);
    const sizes = { bytesBefore: this.#size, bytesAfter: output.size };
    return {
      changed: true,
      ...sizes,
      names,
      problems,
      end: scan.end,
      trailer: parseTrailer(trailer),
    };
  }

  /** Rings add to a capture that was cut off; otherwise everything is in it (F-20). */
  async #hasRings(scan: CaptureScan): Promise<boolean> {
    return scan.end.truncated && (await exists(`${this.#path}.rings`));
  }

  async #addNames(
    scan: CaptureScan,
    builder: BlockBuilder,
  ): Promise<{ names: number; problems: readonly NameProblem[] }> {
    const resolution = this.#options.resolution?.(scan.end);
    if (!resolution) return { names: 0, problems: [] };
    this.#progress('names', 0);
    try {
      await resolution.prepare();
      const names = lookUpNames(scan.end.tables, resolution.resolvers);
      const { tables } = scan.end;
      applyNames(tables, names);
      const lines = lookUpLines(tables, {
        endedAtMs: endedAtMs(scan.end),
        confidential: this.#options.confidentialFiles ?? 'default',
      });
      const writer = new NameWriter(builder, tables);
      writer.names(names);
      writer.lines(lines);
      const problems = resolution.problems();
      if (problems.length > 0) builder.encoder.metadata(problemsRecord(problems));
      return { names: names.length, problems };
    } finally {
      resolution.close();
    }
  }

  async #writeBlocks(scan: CaptureScan, builder: BlockBuilder, output: SafeFile): Promise<void> {
    // Native stacks are many, and weigh twice as much. Without them reading counts for more.
    const native = scan.end.metadata.options?.native ?? false;
    const compress = compressor(this.#options.compression ?? 'auto', native);
    const sink = new BlockSink((bytes) => output.write(bytes), compress);
    let written = 0;
    const onProgress = (bytes: number) => {
      written += bytes;
      this.#progress('write', written);
    };
    const last = scan.endsWithTrailer ? scan.ranges.at(-1) : undefined;
    const copied = last ? scan.ranges.slice(0, -1) : scan.ranges;
    await copyBlocks(this.#file, copied, sink, onProgress);
    if (last) await sink.add(await withoutTrailer(this.#file, last));
    for (const block of builder.blocks) await sink.add(block);
    await sink.finish();
    this.#progress('write', this.#size);
  }

  /** Somebody else may have written or replaced the file in the meantime. */
  async #assertUnchanged(mtimeMs: number): Promise<void> {
    const here = await this.#file.stat();
    const there = await stat(this.#path);
    const same = here.ino === there.ino && here.size === this.#size && here.mtimeMs === mtimeMs;
    if (!same) throw new FinalizeError(`${this.#path} changed while it was being finalized`);
  }

  #progress(step: FinalizeProgress['step'], bytes: number): void {
    this.#options.onProgress?.({ step, bytes, totalBytes: this.#size });
  }
}

const MAX_PROBLEMS = 200;

function problemsRecord(problems: readonly NameProblem[]): JsonRecord {
  return { nameProblems: problems.slice(0, MAX_PROBLEMS) };
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Another capture's rings are not this one's to remove. */
async function removeRings(path: string, header: FileHeader): Promise<void> {
  const rings = await RingsFile.open(`${path}.rings`, header.captureId);
  if (!rings) return;
  await rings.close();
  await unlink(`${path}.rings`);
}
