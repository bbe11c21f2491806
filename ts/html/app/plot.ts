// SPDX-License-Identifier: MIT
// Memory over time: lines, the peak, collections and the user's marks; over them, in a report over time, a range to be chosen.

import uPlot from 'uplot';
import { printable } from '../../model/printable.js';
import type { TimelineReport } from '../../report/timeline.js';
import type { PageSlices } from '../page-data.js';
import { Brush } from './brush.js';
import { element } from './dom.js';
import { lastValue, type PlotData, plotData } from './plot-data.js';
import type { TimeRange } from './time-range.js';
import { bytesText, durationText } from './units.js';

interface Line {
  readonly key: 'heap' | 'rss' | 'jsUsed' | 'jsTotal' | 'external';
  readonly label: string;
  readonly hint: string;
  readonly shown: boolean;
}

const LINES: readonly Line[] = [
  { key: 'heap', label: 'Heap', hint: 'Live blocks and committed mappings', shown: true },
  { key: 'rss', label: 'RSS', hint: 'Memory of the process that is in RAM', shown: true },
  {
    key: 'jsUsed',
    label: 'V8 heap',
    hint: 'JavaScript objects, inside the pages that Heap counts',
    shown: true,
  },
  {
    key: 'external',
    label: 'External',
    hint: 'Memory outside V8’s heap that JavaScript objects hold, such as Buffers; Heap counts it',
    shown: true,
  },
  { key: 'jsTotal', label: 'V8 pages', hint: 'What V8 has taken for its heap', shown: false },
];

const HEIGHT = 124;
const AXIS_FONT = '11px system-ui, sans-serif';
const MIN_MARK_GAP = 4;

export class Plot {
  readonly #box: HTMLElement;
  readonly #legend: HTMLElement;
  readonly #timeline: TimelineReport;
  readonly #data: PlotData;
  readonly #plot: uPlot;
  readonly #values = new Map<string, HTMLElement>();
  readonly #brush: Brush | undefined;
  #showsGcs = true;
  #showsMarks = true;
  /** Of the chosen range. */
  #peak: { readonly time_ms: number; readonly bytes: number };

  constructor(
    box: HTMLElement,
    legend: HTMLElement,
    timeline: TimelineReport,
    slices?: PageSlices,
  ) {
    this.#box = box;
    this.#peak = timeline.peak;
    this.#brush = slices && new Brush(slices, (seconds) => this.#plot.valToPos(seconds, 'x'));
    this.#legend = legend;
    this.#timeline = timeline;
    this.#data = plotData(timeline);
    const columns = LINES.map((line) => this.#data[line.key]);
    this.#plot = new uPlot(this.#options(), [this.#data.times, ...columns], box);
    this.#makeLegend();
    this.#describe();
    this.#brush?.attach(this.#plot.over, (x) => this.#plot.posToVal(x, 'x'));
    new ResizeObserver(() => {
      this.#plot.setSize({ width: box.clientWidth, height: HEIGHT });
      this.#brush?.place();
    }).observe(box);
  }

  redraw(): void {
    this.#plot.redraw(false, true);
  }

  /** Calls back while a range is being chosen and once it is. */
  onRange(choose: (range: TimeRange, isChosen: boolean) => void): void {
    this.#brush?.onChange(choose);
  }

  /** @param text what the range holds */
  showRange(range: TimeRange, text: string): void {
    if (this.#brush === undefined) return;
    this.#brush.show(range);
    this.#peak = this.#brush.peak(range) ?? { time_ms: 0, bytes: 0 };
    this.#legend.querySelector('.legend-range')?.replaceChildren(text);
    this.redraw();
  }

  #options(): uPlot.Options {
    const grid = { stroke: () => colour('--grid'), width: 1 };
    const axis = {
      stroke: () => colour('--text-muted'),
      font: AXIS_FONT,
      grid,
      ticks: { show: false },
    };
    return {
      width: this.#box.clientWidth,
      height: HEIGHT,
      padding: [14, 22, 0, 0],
      legend: { show: false },
      cursor: {
        points: { size: 7 },
        drag: { x: this.#brush === undefined, y: false, setScale: true },
      },
      scales: {
        x: { time: false },
        y: { range: (_plot, _min, max) => [0, Math.max(1, max * 1.08)] },
      },
      axes: [
        { ...axis, size: 24, gap: 4, values: (_plot, ticks) => tickTexts(ticks) },
        {
          ...axis,
          size: 66,
          space: 24,
          values: (_plot, ticks) => ticks.map((tick) => bytesText(tick)),
        },
      ],
      series: [{}, ...LINES.map((line) => this.#series(line))],
      hooks: {
        draw: [(plot) => this.#drawEvents(plot)],
        setScale: [() => this.#brush?.place()],
        setCursor: [(plot) => this.#showValues(plot.cursor.idx ?? null)],
      },
    };
  }

  #series(line: Line): uPlot.Series {
    const series: uPlot.Series = {
      label: line.label,
      show: line.shown,
      stroke: () => colour(`--line-${line.key.toLowerCase()}`),
      width: line.key === 'heap' ? 2 : 1.5,
      spanGaps: true,
      points: { show: this.#data.times.length < 3 },
    };
    if (line.key === 'heap') series.fill = () => colour('--line-heap-fill');
    if (line.key === 'jsTotal') series.dash = [4, 4];
    return series;
  }

  #makeLegend(): void {
    for (const [index, line] of LINES.entries()) {
      if (this.#data[line.key].every((value) => value === null)) continue;
      const value = element('span', { class: 'value' });
      this.#addToggle(line, value, (show) => this.#plot.setSeries(index + 1, { show }));
      this.#values.set(line.key, value);
    }
    const { gcs, marks } = this.#timeline;
    if (gcs.time_ms.length > 0) {
      const hint = 'Garbage collections: short ticks are scavenges, long ones all others';
      this.#addToggle({ key: 'gc', label: 'GC', hint, shown: true }, undefined, (show) => {
        this.#showsGcs = show;
        this.redraw();
      });
    }
    if (marks.length > 0) {
      const hint = 'Marks that the program made, and its exit';
      this.#addToggle({ key: 'mark', label: 'Marks', hint, shown: true }, undefined, (show) => {
        this.#showsMarks = show;
        this.redraw();
      });
    }
    if (this.#brush) {
      this.#legend.append(element('output', { class: 'legend-range', 'aria-live': 'polite' }));
    }
    this.#legend.append(element('span', { class: 'legend-time', id: 'plot-time' }));
    this.#showValues(null);
  }

  #addToggle(
    what: { key: string; label: string; hint: string; shown: boolean },
    value: HTMLElement | undefined,
    toggle: (show: boolean) => void,
  ): void {
    const button = element(
      'button',
      { type: 'button', class: 'legend-item', title: what.hint, 'aria-pressed': `${what.shown}` },
      element('span', { class: `line line-${what.key.toLowerCase()}` }),
      what.label,
      value,
    );
    button.addEventListener('click', () => {
      const show = button.getAttribute('aria-pressed') !== 'true';
      button.setAttribute('aria-pressed', `${show}`);
      toggle(show);
    });
    this.#legend.append(button);
  }

  #showValues(index: number | null): void {
    for (const line of LINES) {
      const value = index === null ? null : lastValue(this.#data[line.key], index);
      const text = value === null ? '' : bytesText(value);
      this.#values.get(line.key)?.replaceChildren(text);
    }
    const time = index === null ? undefined : this.#data.times[index];
    const hint = this.#brush
      ? `drag to choose, in steps of ${durationText(this.#brush.sliceMs)}`
      : 'drag to zoom, double-click to reset';
    const text = time === undefined ? hint : `at ${durationText(time * 1000)}`;
    this.#legend.querySelector('.legend-time')?.replaceChildren(text);
  }

  #drawEvents(plot: uPlot): void {
    const context = plot.ctx;
    const ratio = uPlot.pxRatio;
    context.save();
    context.beginPath();
    context.rect(plot.bbox.left, 0, plot.bbox.width, plot.bbox.top + plot.bbox.height);
    context.clip();
    context.font = `600 ${11 * ratio}px system-ui, sans-serif`;
    context.textAlign = 'left';
    if (this.#showsGcs) this.#drawGcs(plot, context, ratio);
    if (this.#showsMarks) this.#drawMarks(plot, context, ratio);
    this.#drawPeak(plot, context, ratio);
    context.restore();
  }

  #drawGcs(plot: uPlot, context: CanvasRenderingContext2D, ratio: number): void {
    const { gcs } = this.#timeline;
    const bottom = plot.bbox.top + plot.bbox.height;
    context.fillStyle = colour('--gc');
    for (const [index, timeMs] of gcs.time_ms.entries()) {
      const x = plot.valToPos(timeMs / 1000, 'x', true);
      const length = (gcs.type[index] === 'scavenge' ? 4 : 9) * ratio;
      context.fillRect(Math.round(x), bottom - length, Math.max(1, ratio), length);
    }
  }

  #drawMarks(plot: uPlot, context: CanvasRenderingContext2D, ratio: number): void {
    context.fillStyle = colour('--mark');
    context.textBaseline = 'top';
    let free = Number.NEGATIVE_INFINITY;
    const right = plot.bbox.left + plot.bbox.width;
    for (const mark of this.#timeline.marks) {
      const x = Math.round(plot.valToPos(mark.time_ms / 1000, 'x', true));
      context.fillRect(x, plot.bbox.top, Math.max(1, ratio), plot.bbox.height);
      const name = printable(mark.name).slice(0, 40);
      const { width } = context.measureText(name);
      const gap = 5 * ratio;
      // What happens at the end has its name before it.
      const left = x + gap + width > right ? x - gap - width : x + gap;
      // Names that would run into the one before are left to the statistics.
      if (Math.min(left, x) < free) continue;
      haloText(context, name, left, plot.bbox.top + 2 * ratio, ratio);
      free = left + width + (MIN_MARK_GAP * 2 - 5) * ratio;
    }
  }

  #drawPeak(plot: uPlot, context: CanvasRenderingContext2D, ratio: number): void {
    const peak = this.#peak;
    if (peak.bytes === 0) return;
    const x = plot.valToPos(peak.time_ms / 1000, 'x', true);
    const y = plot.valToPos(peak.bytes, 'y', true);
    context.fillStyle = colour('--peak');
    context.strokeStyle = colour('--peak');
    context.lineWidth = ratio;
    context.setLineDash([3 * ratio, 3 * ratio]);
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(x, plot.bbox.top + plot.bbox.height);
    context.stroke();
    context.setLineDash([]);
    context.beginPath();
    context.arc(x, y, 3.5 * ratio, 0, Math.PI * 2);
    context.fill();
    const text = `peak ${bytesText(peak.bytes)}`;
    const width = context.measureText(text).width;
    const right = this.#brush
      ? plot.valToPos(this.#brush.endMs / 1000, 'x', true)
      : plot.bbox.left + plot.bbox.width;
    const left = x + 8 * ratio + width > right ? x - 8 * ratio - width : x + 8 * ratio;
    context.textBaseline = 'middle';
    // Above the point it covers least; below when there is no room.
    const above = y - 10 * ratio;
    haloText(context, text, left, above > 8 * ratio ? above : y + 14 * ratio, ratio);
  }

  /** The canvas says nothing to a screen reader; this does. */
  #describe(): void {
    const { peak, rss_peak: rss } = this.#timeline;
    const text =
      `Memory over time. Heap peak ${bytesText(peak.bytes)} at ${durationText(peak.time_ms)}, ` +
      `RSS peak ${bytesText(rss.bytes)} at ${durationText(rss.time_ms)}.`;
    this.#box.setAttribute('aria-label', text);
  }
}

/** Text that stays readable where lines run below it. */
function haloText(
  context: CanvasRenderingContext2D,
  text: string,
  x: number,
  y: number,
  ratio: number,
): void {
  context.strokeStyle = colour('--surface');
  context.lineWidth = 4 * ratio;
  context.lineJoin = 'round';
  context.strokeText(text, x, y);
  context.fillText(text, x, y);
}

/** One unit for all ticks, and no more digits than they need. */
function tickTexts(ticks: readonly number[]): string[] {
  const last = ticks.at(-1) ?? 0;
  if (last >= 300) return ticks.map((tick) => durationText(tick * 1000));
  const [unit, factor] = last < 1 ? ['ms', 1000] : ['s', 1];
  return ticks.map((tick) => `${Number((tick * factor).toPrecision(6))} ${unit}`);
}

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
