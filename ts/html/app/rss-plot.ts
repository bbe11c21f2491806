// SPDX-License-Identifier: MIT
// RSS over time, its kinds stacked.

import uPlot from 'uplot';
import { RSS_KINDS, type RssKind, type RssReport } from '../../report/rss-report.js';
import { element } from './dom.js';
import { bytesText, durationText } from './units.js';

const HEIGHT = 300;
const AXIS_FONT = '11px system-ui, sans-serif';

export class RssPlot {
  readonly #series: RssReport['series'];
  /** From the bottom up. */
  readonly #kinds: readonly RssKind[];
  readonly #plot: uPlot;
  readonly #values = new Map<RssKind, HTMLElement>();
  readonly #time = element('span', { class: 'legend-time' });

  constructor(box: HTMLElement, legend: HTMLElement, series: RssReport['series']) {
    this.#series = series;
    const kinds = Object.keys(RSS_KINDS) as RssKind[];
    this.#kinds = kinds.filter((kind) => series.kinds[kind].some((bytes) => bytes > 0));
    this.#plot = new uPlot(this.#options(box), this.#data(), box);
    this.#makeLegend(legend);
    const highest = Math.max(...series.rss);
    box.setAttribute(
      'aria-label',
      `RSS over time, stacked by kind; at most ${bytesText(highest)}.`,
    );
    new ResizeObserver(() =>
      this.#plot.setSize({ width: box.clientWidth, height: HEIGHT }),
    ).observe(box);
  }

  redraw(): void {
    this.#plot.redraw(false, true);
  }

  /** Sums from the bottom up, the highest first: each is painted over the one before. */
  #data(): uPlot.AlignedData {
    const times = this.#series.time_ms.map((ms) => ms / 1000);
    const sums = times.map(() => 0);
    const columns = this.#kinds.map((kind) => {
      for (const [i, bytes] of this.#series.kinds[kind].entries()) sums[i] = (sums[i] ?? 0) + bytes;
      return [...sums];
    });
    return [times, ...columns.reverse()];
  }

  #options(box: HTMLElement): uPlot.Options {
    const axis = {
      stroke: () => colour('--text-muted'),
      font: AXIS_FONT,
      grid: { stroke: () => colour('--grid'), width: 1 },
      ticks: { show: false },
    };
    const series = [...this.#kinds].reverse().map((kind) => ({
      label: RSS_KINDS[kind],
      stroke: () => colour('--surface'),
      width: 0.5,
      fill: () => colour(`--rss-${kind.replace('_', '-')}`),
      points: { show: false },
    }));
    return {
      width: box.clientWidth,
      height: HEIGHT,
      padding: [14, 8, 0, 0],
      legend: { show: false },
      cursor: { points: { show: false }, drag: { x: true, y: false, setScale: true } },
      scales: {
        x: { time: false },
        y: { range: (_plot, _min, max) => [0, Math.max(1, max * 1.05)] },
      },
      axes: [
        {
          ...axis,
          size: 24,
          gap: 4,
          values: (_plot, ticks) => ticks.map((s) => durationText(s * 1000)),
        },
        { ...axis, size: 66, values: (_plot, ticks) => ticks.map((tick) => bytesText(tick)) },
      ],
      series: [{}, ...series],
      hooks: { setCursor: [(plot) => this.#showValues(plot.cursor.idx ?? null)] },
    };
  }

  #makeLegend(legend: HTMLElement): void {
    for (const kind of [...this.#kinds].reverse()) {
      const value = element('span', { class: 'value' });
      const swatch = element('span', { class: `rss-swatch ${kind.replace('_', '-')}` });
      this.#values.set(kind, value);
      legend.append(
        element('span', { class: 'legend-item rss-legend' }, swatch, RSS_KINDS[kind], value),
      );
    }
    legend.append(this.#time);
    this.#showValues(null);
  }

  #showValues(index: number | null): void {
    for (const [kind, value] of this.#values) {
      const bytes = index === null ? undefined : this.#series.kinds[kind][index];
      value.replaceChildren(bytes === undefined ? '' : bytesText(bytes));
    }
    const ms = index === null ? undefined : this.#series.time_ms[index];
    this.#time.replaceChildren(
      ms === undefined
        ? 'drag to zoom, double-click to reset'
        : `${bytesText(this.#series.rss[index ?? 0] ?? 0)} at ${durationText(ms)}`,
    );
  }
}

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
