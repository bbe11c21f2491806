// SPDX-License-Identifier: MIT
// memtape leaks: what a service keeps, and whether that is a leak.
import { type Growth, GrowthAggregator, type Moment } from '../../aggregate/growth.js';
import { leaksReport } from '../../report/leaks.js';
import { leaksCsv, leaksText } from '../../text/leaks-text.js';
import { UsageError } from '../../tracker/usage-error.js';
import { analyse } from '../analysis.js';
import { captureArgument } from '../capture-argument.js';
import type { Action } from '../commands.js';
import { print, stdoutStyle } from '../output.js';

const nameOf = (moment: Moment): string =>
  'mark' in moment ? `mark '${moment.mark}'` : `${moment.timeNs / 1e9} s`;

/** A range that never began or ended would have numbers of something else. */
function checkRange({ fromNs, ended, markNames }: Growth, from?: Moment, to?: Moment): void {
  const marks = markNames.map((name) => `'${name}'`).join(', ');
  const hint = marks === '' ? 'it has no marks' : `its marks: ${marks}`;
  if (from !== undefined && fromNs === null) {
    throw new UsageError(`the capture ends before ${nameOf(from)}`, hint);
  }
  if (to !== undefined && !ended) {
    const after = from === undefined ? '' : `, after ${nameOf(from)}`;
    throw new UsageError(`the capture has no ${nameOf(to)}${after}`, hint);
  }
}

export const action: Action = async (args, options) => {
  const { from, to, maxRows } = options;
  const aggregator = new GrowthAggregator(from, to);
  const { stacks } = await analyse(captureArgument(args, 'leaks'), {}, [aggregator]);
  const growth = aggregator.finish();
  checkRange(growth, from, to);
  const report = leaksReport(growth, stacks, maxRows === undefined ? {} : { maxRows });
  if (options.json) await print(`${JSON.stringify(report, null, 2)}\n`);
  else await print(options.csv ? leaksCsv(report) : leaksText(report, stdoutStyle()));
};
