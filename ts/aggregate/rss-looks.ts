// SPDX-License-Identifier: MIT
// When a recording looked at what RSS is made of, and which of these looks are worth a second pass: RSS at its highest, at
// the program's end, and enough of those between for a picture.

import type { Consumer } from '../decode/consumer.js';
import { EXIT_MARK } from '../format/constants.js';
import type { MarkRecord, RssRecord, SampleRecord } from '../format/records.js';

const NEARLY = 0.99;

export interface RssLook {
  readonly timeNs: number;
  readonly rss: number;
}

export interface ChosenLooks {
  /** Numbers of looks, in order. */
  readonly chosen: readonly number[];
  /** The first that is nearly as high as the highest: what made RSS so large is seen best before anything is freed. */
  readonly peak: number;
  /** Before Node.js takes itself down; without an exit the last one. */
  readonly end: number;
}

export class RssLooks implements Consumer {
  readonly #looks: RssLook[] = [];
  /** Since the exit mark; null before one, or when its look was seen. */
  #samplesSinceExit: number | null = null;
  #exit: number | null = null;
  #highest: RssLook = { timeNs: 0, rss: 0 };

  onRss({ timeNs, rss }: RssRecord): void {
    if (this.#samplesSinceExit !== null) {
      // A writer that had just looked does not look again: the exit's sample is then without a look of its own.
      const before = Math.max(0, this.#looks.length - 1);
      this.#exit = this.#samplesSinceExit <= 1 ? this.#looks.length : before;
    }
    this.#samplesSinceExit = null;
    this.#looks.push({ timeNs, rss });
  }

  onMark(mark: MarkRecord): void {
    if (mark.name === EXIT_MARK) this.#samplesSinceExit = 0;
  }

  onSample({ timeNs, rss }: SampleRecord): void {
    if (this.#samplesSinceExit !== null) this.#samplesSinceExit++;
    if (rss > this.#highest.rss) this.#highest = { timeNs, rss };
  }

  /** The highest of all samples; there are more of these than looks. */
  get highest(): RssLook {
    return this.#highest;
  }

  /** null: there was none. */
  choose(most: number): ChosenLooks | null {
    const looks = this.#looks;
    const last = looks.length - 1;
    if (last < 0) return null;
    const end = this.#exit ?? last;
    const highest = looks[highestOf(looks, 0, end + 1)]?.rss ?? 0;
    const peak = looks.findIndex(({ rss }) => rss >= highest * NEARLY);
    const chosen = new Set([0, peak, end]);
    const groups = Math.min(most, end + 1);
    for (let group = 0; group < groups; group++) {
      const first = Math.floor((group * (end + 1)) / groups);
      chosen.add(highestOf(looks, first, Math.floor(((group + 1) * (end + 1)) / groups)));
    }
    return { chosen: [...chosen].sort((a, b) => a - b), peak, end };
  }
}

function highestOf(looks: readonly RssLook[], from: number, to: number): number {
  let found = from;
  for (let i = from; i < to; i++) {
    if ((looks[i]?.rss ?? 0) >= (looks[found]?.rss ?? 0)) found = i;
  }
  return found;
}
