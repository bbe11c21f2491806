// SPDX-License-Identifier: MIT
// A report of what a service keeps.
import type { LeakRow, LeaksReport } from '../../ts/report/leaks.js';

export const ROW: LeakRow = {
  function: 'remember',
  file: '/app/cache.js',
  line: 7,
  package: '',
  via: 'node::Allocate()',
  trend: 'growing',
  growth_bytes: 60_000_000,
  bytes_per_second: 100_000,
  survived_bytes: 59_900_000,
  live_bytes: 70_000_000,
  live_count: 600,
  mean_age_ms: 305_000,
};

export const REPORT: LeaksReport = {
  verdict: 'leak',
  why: ['Live memory still grows at the end, by 100.000kB a second.', 'RSS too.'],
  notes: ['A note.'],
  from_ms: 0,
  to_ms: 600_000,
  stood_still_ms: 0,
  full_gcs: 60,
  growth_bytes: 60_000_000,
  growth_by_quarter: [15_000_000, 15_000_000, 15_000_000, 15_000_000],
  bytes_per_second: 100_000,
  survived_bytes: 59_900_000,
  live_bytes: 70_500_000,
  ages: [
    { min_ms: 0, max_ms: 17_000, bytes: 1_000_000, count: 10 },
    { min_ms: 17_000, max_ms: 34_000, bytes: 0, count: 0 },
    { min_ms: 34_000, max_ms: 680_000, bytes: 69_500_000, count: 600 },
  ],
  series: { time_ms: [], heap: [], rss: [], js_used: [], full_gcs: [] },
  rows: [ROW, { ...ROW, function: '(GC)', file: '', line: 0, trend: 'steady', mean_age_ms: null }],
  row_count: 3,
};
