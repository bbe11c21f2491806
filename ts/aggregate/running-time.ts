// SPDX-License-Identifier: MIT
// The time that a process had. A machine that is suspended, a container that is frozen, a program that is stopped: nothing is
// recorded then, not even a sample, and what was growing goes on growing afterwards as if nothing had been.

/** So many samples that did not come are no delay any more. */
const MISSED_SAMPLES = 25;

export class RunningTime {
  #mostNs = Number.POSITIVE_INFINITY;
  #lastNs = 0;
  #ranNs = 0;

  /** Until it is told, it takes no time for standing still. */
  sampledEvery(intervalNs: number): void {
    this.#mostNs = intervalNs * MISSED_SAMPLES;
  }

  /** How long it had run at a time that is not before the latest that `advance` was told. */
  at(timeNs: number): number {
    return this.#ranNs + Math.min(Math.max(0, timeNs - this.#lastNs), this.#mostNs);
  }

  /** When it has run for so long, if it does so from the latest time on. */
  when(ranNs: number): number {
    return this.#lastNs + (ranNs - this.#ranNs);
  }

  /** Something was recorded at this time. */
  advance(timeNs: number): void {
    if (timeNs <= this.#lastNs) return;
    this.#ranNs = this.at(timeNs);
    this.#lastNs = timeNs;
  }
}
