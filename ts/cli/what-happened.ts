// SPDX-License-Identifier: MIT
// How a recorded program ended, in words: exit code, exception, signal, or out of memory.
import type { Consumer } from '../decode/consumer.js';
import { UNCAUGHT_MARK_PREFIX } from '../format/constants.js';
import type { GcRecord, JsSampleRecord, MarkRecord } from '../format/records.js';
import { sizeText } from '../model/size-text.js';
import { commandText, oneLine } from '../report/command-text.js';
import type { Launched } from '../tracker/launch.js';

/**
 * What V8's limit counts beyond the old generation: it gives up when that is full, however empty the
 * young one is.
 */
const YOUNG_GENERATION_BYTES = 208 * 2 ** 20;
const MARK_COMPACT = 4;
/** What Node.js exits with after an exception that nobody caught, or that its handler threw. */
const UNCAUGHT_CODES = [1, 7];

/** The last signs of life that say why a program ended. */
export class LastSigns implements Consumer {
  #uncaught: string | null = null;
  #lastGc: GcRecord | null = null;
  readonly #jsHeaps = new Map<number, JsSampleRecord>();

  onMark(mark: MarkRecord): void {
    if (!mark.name.startsWith(UNCAUGHT_MARK_PREFIX)) return;
    this.#uncaught = mark.name.slice(UNCAUGHT_MARK_PREFIX.length);
  }

  onJsSample(sample: JsSampleRecord): void {
    this.#jsHeaps.set(sample.thread, sample);
  }

  onGc(gc: GcRecord): void {
    this.#lastGc = gc;
  }

  get uncaught(): string | null {
    return this.#uncaught;
  }

  /** The V8 heap near its limit whose collection was the last thing that happened. */
  fullJsHeap(): JsSampleRecord | null {
    const gc = this.#lastGc;
    const sample = this.#jsHeaps.get(gc?.thread ?? 0);
    if (gc?.gcType !== MARK_COMPACT || sample === undefined) return null;
    const { heapUsed, heapLimit } = sample;
    const full = heapUsed >= heapLimit / 5 && heapUsed + YOUNG_GENERATION_BYTES >= heapLimit;
    return full ? sample : null;
  }
}

function ending(ended: Launched, signs: LastSigns): string {
  const { code, signal } = ended;
  const full = signs.fullJsHeap();
  if (signal === 'SIGKILL' && ended.oomKilled) {
    return 'was killed by the kernel, which was out of memory (SIGKILL)';
  }
  if ((signal === 'SIGABRT' || signal === 'SIGTRAP' || code === 134) && full !== null) {
    const limit = sizeText(full.heapLimit);
    return `probably ran out of JavaScript heap (limit ${limit}; --max-old-space-size raises it)`;
  }
  if (signal !== null) return `was ended by ${signal}`;
  if (signs.uncaught !== null && UNCAUGHT_CODES.includes(code ?? 0)) {
    return `exited with code ${code} after an uncaught ${oneLine(signs.uncaught)}`;
  }
  return `exited with code ${code}`;
}

/** `node app.js exited with code 0 after 1.20 s` */
export function whatHappened(
  command: readonly string[],
  ended: Launched,
  signs: LastSigns,
): string {
  return `${commandText(command)} ${ending(ended, signs)} after ${(ended.durationMs / 1000).toFixed(2)} s`;
}
