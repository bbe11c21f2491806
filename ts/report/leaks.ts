// SPDX-License-Identifier: MIT
// What a service keeps: growth between two moments, by place, with its age, and whether it is a leak.

import type { BirthBins } from '../aggregate/births.js';
import type { Growth } from '../aggregate/growth.js';
import type { NamedStacks } from '../model/named-stacks.js';
import { type Trend, type TrendKind, trendOf } from './leaks-trend.js';
import { judge, type Proof, proofOf, provenPoints, type Verdict } from './leaks-verdict.js';
import { ownSiteOf, viaText } from './sites.js';
import { milliseconds } from './timeline.js';

export interface LeakRow {
  readonly function: string;
  readonly file: string;
  readonly line: number;
  readonly package: string;
  /** The innermost function through which most of it was allocated, when that is another one. */
  readonly via: string;
  readonly trend: TrendKind;
  /** How much higher the floor of its live bytes is at the range's last full collection than at its start. */
  readonly growth_bytes: number;
  readonly bytes_per_second: number;
  /** Blocks of the range, born before its last full collection, live at its end. */
  readonly survived_bytes: number;
  readonly live_bytes: number;
  readonly live_count: number;
  /** Of its live blocks, weighted by size; null without any. */
  readonly mean_age_ms: number | null;
}

/** Live blocks whose age is at least `min_ms` and below `max_ms`. */
export interface AgeBin {
  readonly min_ms: number;
  readonly max_ms: number;
  readonly bytes: number;
  readonly count: number;
}

/** Columns of equal length; floors of the time since the one before. null: not known yet. */
export interface LeakSeries {
  readonly time_ms: number[];
  readonly heap: number[];
  readonly rss: (number | null)[];
  /** After the latest collection. */
  readonly js_used: (number | null)[];
  /** Full collections so far. */
  readonly full_gcs: number[];
}

export interface LeaksReport {
  readonly verdict: Verdict;
  /** Sentences, the decisive one first. */
  readonly why: readonly string[];
  readonly notes: readonly string[];
  readonly from_ms: number;
  readonly to_ms: number;
  /** Of that time, what the process did not run: trends and rates leave it out. */
  readonly stood_still_ms: number;
  readonly full_gcs: number;
  readonly growth_bytes: number;
  readonly growth_by_quarter: readonly number[];
  readonly bytes_per_second: number;
  readonly survived_bytes: number;
  readonly live_bytes: number;
  readonly ages: readonly AgeBin[];
  readonly series: LeakSeries;
  /** Places that grew, most first. */
  readonly rows: readonly LeakRow[];
  /** How many rows there are, those beyond `maxRows` included. */
  readonly row_count: number;
}

export interface LeaksOptions {
  /** All rows unless given. */
  readonly maxRows?: number;
}

/** Growth of a place below this is noise. */
const LEAST_SITE_BYTES = 16_000;
/** Of the growth by place, one that moves less is not worth its line. */
const LEAST_SITE_SHARE = 0.001;
const LEAST_STANDSTILL_NS = 1e9;

export function leaksReport(
  growth: Growth,
  stacks: NamedStacks,
  options: LeaksOptions = {},
): LeaksReport {
  const { state, slices } = growth;
  const { verdict, why, live } = judge(growth);
  const rows = siteRows(growth, stacks);
  return {
    verdict,
    why,
    notes: notesOf(growth),
    from_ms: milliseconds(growth.fromNs ?? 0),
    to_ms: milliseconds(state.timeNs),
    stood_still_ms: milliseconds(state.stoodStillNs),
    full_gcs: state.fullGcs,
    growth_bytes: live.growthBytes,
    growth_by_quarter: live.quarters.map(Math.round),
    bytes_per_second: Math.round(live.bytesPerSecond),
    survived_bytes: sum(state.survived),
    live_bytes: state.heap,
    ages: ageBins(state.births, state.timeNs),
    series: {
      time_ms: slices.map(({ endNs }) => milliseconds(endNs)),
      heap: slices.map(({ heap }) => heap),
      rss: slices.map(({ rss }) => known(rss)),
      js_used: slices.map(({ jsUsed }) => known(jsUsed)),
      full_gcs: slices.map(({ fullGcs }) => fullGcs),
    },
    rows: rows.slice(0, options.maxRows ?? rows.length),
    row_count: rows.length,
  };
}

const known = (value: number): number | null => (Number.isNaN(value) ? null : value);
const sum = (numbers: Float64Array): number => numbers.reduce((a, b) => a + b, 0);

function notesOf({ state }: Growth): string[] {
  const notes: string[] = [];
  if (state.stoodStillNs >= LEAST_STANDSTILL_NS) {
    notes.push(
      `For ${(state.stoodStillNs / 1e9).toFixed(1)} s in all nothing was recorded, not even a sample: the process or the ` +
        'machine stood still. Trends and rates leave that time out.',
    );
  }
  const blocks = sum(state.blocks);
  if (state.heap > blocks * 2 && state.heap - blocks > LEAST_SITE_BYTES) {
    notes.push(
      "Most of what is live are pages, V8's among them: they stand at the code that made V8 ask for a page, " +
        'and have no age.',
    );
  }
  return notes;
}

function siteRows(growth: Growth, stacks: NamedStacks): LeakRow[] {
  const { state, siteStacks } = growth;
  const siteOf = ownSiteOf(stacks);
  // With their final names, several sites of the capture may be one.
  const byFrame = new Map<number, number[]>();
  for (let site = 0; site < state.live.length; site++) {
    if (state.live[site] === 0) continue;
    const frame = siteOf(siteStacks[site] as number);
    const known = byFrame.get(frame);
    if (known === undefined) byFrame.set(frame, [site]);
    else known.push(site);
  }
  const proof = proofOf(growth.slices);
  const rows = [...byFrame].map(([frame, sites]) => siteRow(frame, sites, growth, stacks, proof));
  const grown = rows.filter((row) => row.growth_bytes > 0);
  const all = grown.reduce((bytes, row) => bytes + row.growth_bytes, 0);
  return grown
    .filter((row) => row.growth_bytes >= all * LEAST_SITE_SHARE)
    .sort((a, b) => b.growth_bytes - a.growth_bytes || compareText(a.function, b.function));
}

function siteRow(
  frameId: number,
  sites: readonly number[],
  growth: Growth,
  stacks: NamedStacks,
  proof: Proof,
): LeakRow {
  const { state, siteStacks } = growth;
  const of = (column: Float64Array) =>
    sites.reduce((bytes, site) => bytes + (column[site] as number), 0);
  const blocks = of(state.blocks);
  const largest = sites.reduce((a, b) =>
    (state.live[b] as number) > (state.live[a] as number) ? b : a,
  );
  const trend = siteTrend(sites, growth, proof);
  const frame = stacks.frames.get(frameId);
  return {
    function: frame.name,
    file: frame.file,
    line: frame.line,
    package: frame.package,
    via: viaText(stacks, frameId, siteStacks[largest] as number),
    trend: trend.kind,
    growth_bytes: trend.growthBytes,
    bytes_per_second: Math.round(trend.bytesPerSecond),
    survived_bytes: of(state.survived),
    live_bytes: of(state.live),
    live_count: of(state.count),
    mean_age_ms:
      blocks > 0 ? milliseconds(Math.max(0, state.timeNs - of(state.moments) / blocks)) : null,
  };
}

function siteTrend(sites: readonly number[], { slices }: Growth, proof: Proof): Trend {
  const floors = slices.map(({ floors: all }) =>
    sites.reduce((bytes, site) => bytes + (all[site] ?? 0), 0),
  );
  return trendOf(provenPoints(slices, floors, proof), LEAST_SITE_BYTES);
}

/** By powers of two, the youngest first, as finely as births are known. */
function ageBins({ binNs, bytes, count }: BirthBins, nowNs: number): AgeBin[] {
  const bins: AgeBin[] = [];
  let [min, max] = [0, binNs];
  while (min <= nowNs) {
    const bin = { bytes: 0, count: 0 };
    for (const [i, live] of bytes.entries()) {
      // The middle of a birth bin stands for all of it.
      const age = Math.max(0, nowNs - (i + 0.5) * binNs);
      if (age < min || age >= max) continue;
      bin.bytes += live;
      bin.count += count[i] as number;
    }
    bins.push({ min_ms: milliseconds(min), max_ms: milliseconds(max), ...bin });
    [min, max] = [max, max * 2];
  }
  return bins;
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
