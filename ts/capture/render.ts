// SPDX-License-Identifier: MIT
// Reports as pages and text. What renders is loaded when it is used.

import type { RenderedPage, RenderOptions } from '../html/render.js';
import type { FlamegraphReport } from '../report/flamegraph-report.js';
import type { StatsReport } from '../report/stats-report.js';
import type { SummaryReport } from '../report/summary.js';
import type { TextOptions } from '../text/text-options.js';

/** One HTML page that needs nothing else and fetches nothing. */
export async function renderFlamegraph(
  report: FlamegraphReport,
  options: RenderOptions = {},
): Promise<RenderedPage> {
  return (await import('../html/render.js')).renderFlamegraph(report, options);
}

/** What `memtape stats` prints. */
export async function renderStats(report: StatsReport, options: TextOptions = {}): Promise<string> {
  return (await import('../text/stats-text.js')).statsText(report, options);
}

/** What `memtape summary` prints. */
export async function renderSummary(
  report: SummaryReport,
  options: TextOptions = {},
): Promise<string> {
  return (await import('../text/summary-text.js')).summaryText(report, options);
}
