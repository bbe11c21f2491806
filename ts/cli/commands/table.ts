// SPDX-License-Identifier: MIT
// memtape table: memory by line and allocator, as a page or as data.
import { renderTable } from '../../html/render-table.js';
import { csvOf } from '../../model/csv.js';
import { sizeText } from '../../model/size-text.js';
import type { TableReport } from '../../report/table.js';
import { TABLE_COLUMNS } from '../../report/table-rows.js';
import { analyse } from '../analysis.js';
import { captureArguments } from '../capture-argument.js';
import type { Action } from '../commands.js';
import type { Options } from '../options.js';
import { dataText } from '../output.js';
import { pageSize, profileWord, reportFile, writeReportFile } from '../report-file.js';

export const action: Action = async (args, options) => {
  const captures = captureArguments(args, 'table');
  const asData = options.json || options.csv;
  const word = profileWord(options);
  const kind = word === undefined ? 'table' : `table-${word}`;
  const target = asData ? { output: '-', ...options } : options;
  const file = reportFile(captures, { kind, extension: 'html' }, target);
  const recording = await analyse(captures, options);
  const report = recording.table({ splitThreads: options.splitThreads ?? false });
  await writeReportFile(file, [data(report, options) ?? page(report, options)], options);
};

function data(report: TableReport, options: Options): string | undefined {
  return dataText(options, {
    json: () => report,
    csv: () => csvOf(TABLE_COLUMNS, report.toJSON().rows),
  });
}

function page(report: TableReport, options: Options): string {
  const { html, folded } = renderTable(report, {
    ...pageSize(options),
    splitThreads: options.splitThreads ?? false,
  });
  if (folded.stacks > 0 && !options.quiet) {
    process.stderr.write(
      `memtape: folded ${folded.stacks} small stacks, ${sizeText(folded.bytes)} in all\n`,
    );
  }
  return html;
}
