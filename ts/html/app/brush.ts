// SPDX-License-Identifier: MIT
// A range of time to be chosen on the plot: by dragging, or with two handles that keys move.

import type { PageSlices } from '../page-data.js';
import { element } from './dom.js';
import { peakSlice, rangeBetween, type TimeRange, wholeRange } from './time-range.js';
import { durationText } from './units.js';

type Choose = (range: TimeRange, isChosen: boolean) => void;

/** With Shift, Page Up and Page Down. */
const BIG_STEP = 10;

const STEPS: Record<string, number> = {
  ArrowLeft: -1,
  ArrowDown: -1,
  ArrowRight: 1,
  ArrowUp: 1,
  PageDown: -BIG_STEP,
  PageUp: BIG_STEP,
  Home: Number.NEGATIVE_INFINITY,
  End: Number.POSITIVE_INFINITY,
};

export class Brush {
  readonly #slices: PageSlices;
  readonly #xOf: (seconds: number) => number;
  readonly #box = element('div', { class: 'brush' });
  readonly #before = element('div', { class: 'brush-rest' });
  readonly #after = element('div', { class: 'brush-rest' });
  readonly #from = handle('from', 'Start of the range');
  readonly #to = handle('to', 'End of the range');
  #range: TimeRange;
  #choose: Choose = () => {};

  /** @param xOf where on the plot a time is */
  constructor(slices: PageSlices, xOf: (seconds: number) => number) {
    this.#slices = slices;
    this.#xOf = xOf;
    this.#range = wholeRange(slices);
  }

  /** Of the range. */
  get endMs(): number {
    return this.#slices.edgesMs[this.#range.to] as number;
  }

  /** How long most slices are. */
  get sliceMs(): number {
    const { edgesMs } = this.#slices;
    const lengths = edgesMs.slice(1).map((edge, i) => edge - (edgesMs[i] as number));
    return lengths.sort((a, b) => a - b)[lengths.length >> 1] ?? 0;
  }

  onChange(choose: Choose): void {
    this.#choose = choose;
  }

  attach(over: HTMLElement, secondsAt: (x: number) => number): void {
    this.#box.append(this.#from, this.#to);
    over.append(this.#before, this.#after, this.#box);
    const msAt = (event: PointerEvent) =>
      secondsAt(event.clientX - over.getBoundingClientRect().left) * 1000;
    over.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      const fixed = this.#fixedEnd(event.target, msAt(event));
      this.#drag(over, event.pointerId, (move) => rangeBetween(this.#slices, fixed, msAt(move)));
    });
    over.addEventListener('dblclick', () => this.#choose(wholeRange(this.#slices), true));
    for (const each of [this.#from, this.#to]) {
      each.addEventListener('keydown', (event) => this.#key(event, each));
    }
  }

  show(range: TimeRange): void {
    this.#range = range;
    const { edgesMs } = this.#slices;
    for (const [each, edge] of [
      [this.#from, range.from],
      [this.#to, range.to],
    ] as const) {
      const ms = edgesMs[edge] as number;
      each.setAttribute('aria-valuemin', `${edgesMs[0]}`);
      each.setAttribute('aria-valuemax', `${edgesMs.at(-1)}`);
      each.setAttribute('aria-valuenow', `${ms}`);
      each.setAttribute('aria-valuetext', durationText(ms));
    }
    this.place();
  }

  /** Again, after the plot has changed its size or scale. */
  place(): void {
    const { edgesMs } = this.#slices;
    const left = this.#xOf((edgesMs[this.#range.from] as number) / 1000);
    const right = this.#xOf((edgesMs[this.#range.to] as number) / 1000);
    this.#box.style.left = `${left}px`;
    this.#box.style.width = `${Math.max(0, right - left)}px`;
    this.#before.style.width = `${Math.max(0, left)}px`;
    this.#after.style.left = `${right}px`;
  }

  /** The highest moment of a range; nothing where slices do not tell. */
  peak({ from, to }: TimeRange): { time_ms: number; bytes: number } | undefined {
    const { peakBytes, peakMs } = this.#slices;
    const slice = peakSlice(peakBytes, from, to);
    const bytes = peakBytes[slice];
    return bytes === undefined ? undefined : { time_ms: peakMs[slice] ?? 0, bytes };
  }

  /** The end that stays: the other one where a handle is dragged, else where the drag began. */
  #fixedEnd(target: EventTarget | null, ms: number): number {
    const { edgesMs } = this.#slices;
    if (target === this.#from) return edgesMs[this.#range.to] as number;
    if (target === this.#to) return edgesMs[this.#range.from] as number;
    return ms;
  }

  #drag(over: HTMLElement, pointer: number, rangeAt: (event: PointerEvent) => TimeRange): void {
    over.setPointerCapture(pointer);
    const ended = new AbortController();
    const { signal } = ended;
    let latest: TimeRange | undefined;
    let isQueued = false;
    const move = (event: PointerEvent) => {
      latest = rangeAt(event);
      if (isQueued) return;
      // A drawing is worth no more than a frame.
      isQueued = true;
      requestAnimationFrame(() => {
        isQueued = false;
        if (latest !== undefined && !signal.aborted) this.#choose(latest, false);
      });
    };
    const end = () => {
      ended.abort();
      if (latest !== undefined) this.#choose(latest, true);
    };
    over.addEventListener('pointermove', move, { signal });
    over.addEventListener('pointerup', end, { signal });
    over.addEventListener('pointercancel', end, { signal });
  }

  #key(event: KeyboardEvent, which: HTMLElement): void {
    const step = STEPS[event.key];
    if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    const by = event.shiftKey ? step * BIG_STEP : step;
    const last = this.#slices.edgesMs.length - 1;
    const { from, to } = this.#range;
    const range =
      which === this.#from
        ? { from: Math.min(Math.max(0, from + by), to - 1), to }
        : { from, to: Math.max(Math.min(last, to + by), from + 1) };
    this.#choose(range, true);
  }
}

function handle(end: string, label: string): HTMLElement {
  return element('div', {
    class: `brush-handle brush-${end}`,
    role: 'slider',
    tabindex: '0',
    'aria-label': label,
  });
}
