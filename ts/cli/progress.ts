// SPDX-License-Identifier: MIT

const EVERY_MS = 100;
/** What is done sooner needs no progress. */
const AFTER_MS = 500;

/** One line on stderr that replaces itself; nothing where stderr is no terminal. */
export class Progress {
  readonly #what: string;
  readonly #enabled: boolean;
  #nextMs = performance.now() + AFTER_MS;
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
    const percent = total === 0 ? 100 : Math.min(100, Math.floor((done / total) * 100));
    process.stderr.write(`\r\x1b[2Kmemtape: ${this.#what}, ${percent} %`);
  }

  clear(): void {
    if (this.#shown) process.stderr.write('\r\x1b[2K');
    this.#shown = false;
  }
}
