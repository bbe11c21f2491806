// SPDX-License-Identifier: MIT
// Samples to numbers to a Markdown table.
import { deviation, median } from './measure.mjs';

/** @typedef {import('./measure.mjs').Sample} Sample */

/**
 * @typedef {object} Row
 * @property {string} case
 * @property {string} variant
 * @property {number} wallMs median
 * @property {number} wallMad
 * @property {number} cpuMs median of user + system
 * @property {number | null} innerMs median
 * @property {number} ratio median over the rounds of wall / plain wall of the same round
 * @property {number} ratioMad
 * @property {number} cpuRatio the same for user + system time: steadier on a busy machine
 * @property {number} addedMs median over the rounds of (inner or wall) − plain's
 * @property {number | null} captureBytes
 */

/** @param {Sample} sample */
const work = (sample) => sample.inner ?? sample.wall;

/** @param {Sample} sample */
const cpu = (sample) => sample.user + sample.system;

/**
 * @param {string} name
 * @param {Record<string, Sample[]>} samples
 * @returns {Row[]}
 */
export function summarize(name, samples) {
  const plain = samples['plain'] ?? [];
  return Object.entries(samples).map(([variant, list]) => {
    const pairs = list.flatMap((sample, i) => (plain[i] ? [{ sample, base: plain[i] }] : []));
    const ratios = pairs.map(({ sample, base }) => sample.wall / base.wall);
    const inner = list.flatMap((sample) => sample.inner ?? []);
    const captures = list.flatMap((sample) => sample.captureBytes ?? []);
    return {
      case: name,
      variant,
      wallMs: median(list.map((sample) => sample.wall)),
      wallMad: deviation(list.map((sample) => sample.wall)),
      cpuMs: median(list.map(cpu)),
      innerMs: inner.length ? median(inner) : null,
      ratio: median(ratios),
      ratioMad: deviation(ratios),
      cpuRatio: median(pairs.map(({ sample, base }) => cpu(sample) / cpu(base))),
      addedMs: median(pairs.map(({ sample, base }) => work(sample) - work(base))),
      captureBytes: captures.length ? median(captures) : null,
    };
  });
}

/** @param {number | null} value */
const ms = (value) => (value === null ? '' : value.toFixed(0));

/** @param {Row[]} rows */
export function markdown(rows) {
  const lines = [
    '| program | run | wall ms ± MAD | CPU ms | wall / plain ± MAD | CPU / plain | added ms |',
    '|---|---|---:|---:|---:|---:|---:|',
  ];
  for (const row of rows) {
    const compared = row.variant !== 'plain';
    const cells = [
      row.case,
      row.variant,
      `${ms(row.wallMs)} ± ${ms(row.wallMad)}`,
      ms(row.cpuMs),
      compared ? `${row.ratio.toFixed(2)} ± ${row.ratioMad.toFixed(2)}` : '',
      compared ? row.cpuRatio.toFixed(2) : '',
      compared ? ms(row.addedMs) : '',
    ];
    lines.push(`| ${cells.join(' | ')} |`);
  }
  return `${lines.join('\n')}\n`;
}
