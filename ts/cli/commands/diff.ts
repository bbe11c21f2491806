// SPDX-License-Identifier: MIT
// memtape diff: two captures compared, for people and for pipelines.
import type { Recording } from '../../capture/recording.js';
import { printable } from '../../model/printable.js';
import { sizeText } from '../../model/size-text.js';
import { type DiffReport, type DiffSide, diffReport } from '../../report/diff.js';
import { diffCsv, diffText, signedSize, totalText } from '../../text/diff-text.js';
import { checkOutput, escapeTemplate } from '../../tracker/destination.js';
import { analyse } from '../analysis.js';
import { comparedCaptures } from '../capture-argument.js';
import type { Action } from '../commands.js';
import type { Limit } from '../options.js';
import { dataText, print, stdoutStyle, writeReport } from '../output.js';

const side = ({ profile, stacks, processes }: Recording): DiffSide => ({
  profile,
  stacks,
  cwd: processes.ends[0]?.metadata.cwd ?? '',
});

/** The flame graph of the differences; statistics and timeline are the later capture's. */
async function writePage(path: string, before: Recording, after: Recording, force: boolean) {
  const { diffFlamegraph } = await import('../../report/diff-tree.js');
  const { renderFlamegraph } = await import('../../html/render.js');
  const sides = { before: side(before), after: side(after) };
  const { html } = renderFlamegraph(
    diffFlamegraph({ ...sides, stats: after.stats(), timeline: after.timeline }),
  );
  await writeReport(path, html, force);
  process.stderr.write(`memtape: wrote ${path}\n`);
}

const MOST_NAMED = 3;

/** What is wrong, in one line; null when the growth is within the limit. */
function excess(report: DiffReport, limit: Limit): string | null {
  const { bytes_before: before, bytes_change: change } = report;
  const allowed = 'share' in limit ? before * limit.share : limit.bytes;
  if (change <= allowed) return null;
  const text = 'share' in limit ? `${+(limit.share * 100).toFixed(6)}%` : sizeText(limit.bytes);
  const grown = report.rows.filter((row) => row.bytes_change > 0).slice(0, MOST_NAMED);
  const names = grown.map((row) => {
    const place = row.line_after ? `${row.file}:${row.line_after}` : row.file;
    return `${signedSize(row.bytes_change)} ${row.function}${place === '' ? '' : ` (${place})`}`;
  });
  return `${totalText(report)}, more than ${text}; ${names.join(', ')}`;
}

export const action: Action = async (args, options) => {
  const paths = comparedCaptures(args, 'diff');
  const force = options.force ?? false;
  if (options.html !== undefined) checkOutput(escapeTemplate(options.html), force);
  const before = await analyse(paths[0], options);
  const after = await analyse(paths[1], options);
  const report = diffReport(side(before), side(after));
  const { maxRows = report.row_count } = options;
  const shown = { ...report, rows: report.rows.slice(0, maxRows) };
  const data = dataText(options, { json: () => shown, csv: () => diffCsv(shown) });
  await print(data ?? diffText(shown, stdoutStyle()));
  if (options.html !== undefined) await writePage(options.html, before, after, force);
  const problem = options.failOnIncrease && excess(report, options.failOnIncrease);
  if (!problem) return;
  process.stderr.write(`memtape: ${printable(problem)}\n`);
  process.exitCode = 1;
};
