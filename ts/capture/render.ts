// SPDX-License-Identifier: MIT
// Reports as pages and text. What renders is loaded when it is used.

import type { RenderedPage, RenderOptions } from '../html/render.js';
import type { RssRenderOptions } from '../html/render-rss.js';
import type { RenderedTable, TableRenderOptions } from '../html/render-table.js';
import type { DiffReport } from '../report/diff.js';
import type { FlamegraphReport } from '../report/flamegraph-report.js';
import type { LeaksReport } from '../report/leaks.js';
import type { RssReport } from '../report/rss-report.js';
import type { StatsReport } from '../report/stats-report.js';
import type { SummaryReport } from '../report/summary.js';
import type { TableReport } from '../report/table.js';
import type { TreeReport } from '../report/tree.js';
import type { TextOptions } from '../text/text-options.js';
import type { ReportsByName } from './render-csv.js';

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

/** One HTML page with filters, search and the stacks of each row. */
export async function renderTable(
  report: TableReport,
  options: TableRenderOptions = {},
): Promise<RenderedTable> {
  return (await import('../html/render-table.js')).renderTable(report, options);
}

/** What `memtape tree` prints where there is no terminal. */
export async function renderTree(report: TreeReport, options: TextOptions = {}): Promise<string> {
  return (await import('../text/tree-text.js')).treeText(report, options);
}

/** What `memtape leaks` prints. */
export async function renderLeaks(report: LeaksReport, options: TextOptions = {}): Promise<string> {
  return (await import('../text/leaks-text.js')).leaksText(report, options);
}

/** What `memtape rss` prints. */
export async function renderRss(report: RssReport, options: TextOptions = {}): Promise<string> {
  return (await import('../text/rss-text.js')).rssText(report, options);
}

/** The same as one HTML page. */
export async function renderRssPage(
  report: RssReport,
  options: RssRenderOptions = {},
): Promise<string> {
  return (await import('../html/render-rss.js')).renderRss(report, options);
}

/** What `memtape diff` prints. */
export async function renderDiff(report: DiffReport, options: TextOptions = {}): Promise<string> {
  return (await import('../text/diff-text.js')).diffText(report, options);
}

/** What the command of this name prints with `--csv`. */
export async function renderCsv<Name extends keyof ReportsByName>(
  name: Name,
  report: ReportsByName[Name],
): Promise<string> {
  return (await import('./render-csv.js')).reportCsv(name, report);
}
