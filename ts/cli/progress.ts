// SPDX-License-Identifier: MIT
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { printable } from '../model/printable.js';
import { sizeText } from '../model/size-text.js';

const EVERY_MS = 100;
/** What is done sooner needs no progress. */
const AFTER_MS = 500;

/** `42 %, 130.000MB/s, 3 s left` */
export function progressText(done: number, total: number, elapsedMs: number): string {
  const percent = total === 0 ? 100 : Math.min(100, Math.floor((done / total) * 100));
  if (done <= 0 || elapsedMs <= 0) return `${percent} %`;
  const bytesPerMs = done / elapsedMs;
  const leftSeconds = Math.ceil(Math.max(0, total - done) / bytesPerMs / 1000);
  return `${percent} %, ${sizeText(Math.round(bytesPerMs * 1000))}/s, ${leftSeconds} s left`;
}

/** One line on stderr that replaces itself; nothing where stderr is no terminal. */
export class Progress {
  readonly #what: string;
  readonly #enabled: boolean;
  readonly #startMs = performance.now();
  #nextMs = this.#startMs + AFTER_MS;
  #shown = false;

  constructor(what: string, enabled = process.stderr.isTTY === true) {
    this.#what = what;
    this.#enabled = enabled;
  }

  show(done: number, total: number): void {
    if (!this.#enabled) return;
    const nowMs = performance.now();
    if (nowMs < this.#nextMs) return;
    this.#nextMs = nowMs + EVERY_MS;
    this.#shown = true;
    const text = progressText(done, total, nowMs - this.#startMs);
    process.stderr.write(`\r\x1b[2Kmemtape: ${this.#what}, ${text}`);
  }

  clear(): void {
    if (this.#shown) process.stderr.write('\r\x1b[2K');
    this.#shown = false;
  }
}

/** Reads a capture with a line of progress; `read` tells it where in the file it is. */
export async function withProgress<Result>(
  path: string,
  read: (onBlock: (offset: number) => void) => Promise<Result>,
  enabled?: boolean,
): Promise<Result> {
  const progress = new Progress(`reading ${printable(basename(path))}`, enabled);
  try {
    const { size } = await stat(path);
    return await read((offset) => progress.show(offset, size));
  } finally {
    progress.clear();
  }
}
