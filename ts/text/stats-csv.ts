// SPDX-License-Identifier: MIT
// The statistics report as CSV: one number a line, named by its key in the JSON.

import { type CsvValue, csvText } from '../model/csv.js';
import type { StatsReport } from '../report/stats-report.js';

type Row = readonly [statistic: string, name: string, value: CsvValue];

export function statsCsv(stats: StatsReport): string {
  return csvText(['statistic', 'name', 'value'], Object.entries(stats).flatMap(rowsOf));
}

function rowsOf([statistic, value]: [string, unknown]): Row[] {
  if (statistic === 'allocation_size_histogram') return histogramRows(statistic, value as Bins);
  if (Array.isArray(value)) return value.flatMap((item, i) => itemRows(statistic, item, i));
  if (value === null || typeof value !== 'object') return [[statistic, '', scalar(value)]];
  return Object.entries(value).map(([name, one]) => [statistic, name, scalar(one)]);
}

type Bins = StatsReport['allocation_size_histogram'];

function histogramRows(statistic: string, bins: Bins): Row[] {
  return bins.map((bin) => [statistic, `${bin.min_bytes}-${bin.max_bytes}`, bin.count]);
}

/** A place and its number, a collection with several, or a sentence. */
function itemRows(statistic: string, item: unknown, index: number): Row[] {
  if (item === null || typeof item !== 'object') return [[statistic, `${index + 1}`, scalar(item)]];
  const [[, name], ...numbers] = Object.entries(item) as [
    [string, unknown],
    ...[string, unknown][],
  ];
  const isOne = numbers.length === 1;
  return numbers.map(([key, value]) => [
    statistic,
    isOne ? `${name}` : `${name} ${key}`,
    scalar(value),
  ]);
}

function scalar(value: unknown): CsvValue {
  if (Array.isArray(value)) return value.join(' ');
  if (value !== null && typeof value === 'object') return JSON.stringify(value);
  return typeof value === 'number' || value === null ? value : `${value}`;
}
