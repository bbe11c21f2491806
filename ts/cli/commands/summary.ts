// SPDX-License-Identifier: MIT
// memtape summary: a table of functions and what they held.
import { csvOf } from '../../model/csv.js';
import { SUMMARY_FIELDS, type SummaryColumn } from '../../report/summary.js';
import { summaryText } from '../../text/summary-text.js';
import { analyse } from '../analysis.js';
import { captureArguments } from '../capture-argument.js';
import type { Action } from '../commands.js';
import { dataText, print, stdoutStyle } from '../output.js';

const COLUMNS: Record<string, SummaryColumn> = {
  total: 'total_bytes',
  own: 'own_bytes',
  allocations: 'allocations',
  function: 'function',
};
/** Of a terminal's lines: headings, prompt and a line to breathe. */
const OTHER_LINES = 5;
const LEAST_ROWS = 10;

/** As many rows as the terminal shows at once; into a pipe, all. */
function fittingRows(): number | undefined {
  const { isTTY, rows } = process.stdout;
  return isTTY ? Math.max(LEAST_ROWS, rows - OTHER_LINES) : undefined;
}

export const action: Action = async (args, options) => {
  const recording = await analyse(captureArguments(args, 'summary'), options);
  const sortBy = COLUMNS[options.sort ?? 'total'] ?? 'total_bytes';
  const maxRows = options.maxRows ?? (options.json || options.csv ? undefined : fittingRows());
  const report = recording.summary({ sortBy, ...(maxRows !== undefined && { maxRows }) });
  const data = dataText(options, {
    json: () => report,
    csv: () => csvOf(SUMMARY_FIELDS, report.rows),
  });
  await print(data ?? summaryText(report, { ...stdoutStyle(), sortBy }));
};
