// SPDX-License-Identifier: MIT
// The rows of every report, as the commands print them with --csv.

import { csvOf } from '../model/csv.js';
import { withTotals } from '../model/stack-tree.js';
import type { DiffReport } from '../report/diff.js';
import type { FlamegraphReport } from '../report/flamegraph-report.js';
import type { LeaksReport } from '../report/leaks.js';
import type { RssReport } from '../report/rss-report.js';
import type { StatsReport } from '../report/stats-report.js';
import { SUMMARY_FIELDS, type SummaryReport } from '../report/summary.js';
import type { TableReport } from '../report/table.js';
import { TABLE_COLUMNS } from '../report/table-rows.js';
import { type TreeReport, treeView } from '../report/tree.js';
import { treeCsv } from '../report/tree-rows.js';
import { diffCsv } from '../text/diff-text.js';
import { leaksCsv } from '../text/leaks-text.js';
import { rssCsv } from '../text/rss-text.js';
import { statsCsv } from '../text/stats-csv.js';

/** The reports by the name of the command that prints them. */
export interface ReportsByName {
  readonly flamegraph: FlamegraphReport;
  readonly table: TableReport;
  readonly summary: SummaryReport;
  readonly stats: StatsReport;
  readonly tree: TreeReport;
  readonly leaks: LeaksReport;
  readonly rss: RssReport;
  readonly diff: DiffReport;
}

type Forms = { readonly [Name in keyof ReportsByName]: (report: ReportsByName[Name]) => string };

const forms: Forms = {
  flamegraph: ({ tree: { parent, frame, self_bytes, self_count }, frames }) => {
    const [parents, frameIds] = [Uint32Array.from(parent), Uint32Array.from(frame)];
    const [bytes, count] = [Float64Array.from(self_bytes), Float64Array.from(self_count)];
    const tree = withTotals(parents, frameIds, bytes, count);
    return [...treeCsv(treeView(tree, frames))].join('');
  },
  table: (report) => csvOf(TABLE_COLUMNS, report.toJSON().rows),
  summary: ({ rows }) => csvOf(SUMMARY_FIELDS, rows),
  stats: statsCsv,
  tree: ({ full }) => [...treeCsv(full)].join(''),
  leaks: leaksCsv,
  rss: rssCsv,
  diff: diffCsv,
};

export function reportCsv<Name extends keyof ReportsByName>(
  name: Name,
  report: ReportsByName[Name],
): string {
  return forms[name](report);
}
