// SPDX-License-Identifier: MIT
// memtape leaks: what a service keeps, and whether that is a leak.
import { GrowthAggregator } from '../../aggregate/growth.js';
import { checkRange } from '../../capture/growth-range.js';
import { leaksReport } from '../../report/leaks.js';
import { leaksCsv, leaksText } from '../../text/leaks-text.js';
import { read } from '../analysis.js';
import { captureArgument } from '../capture-argument.js';
import type { Action } from '../commands.js';
import { dataText, print, stdoutStyle } from '../output.js';

export const action: Action = async (args, options) => {
  const { from, to, maxRows } = options;
  const aggregator = new GrowthAggregator(from, to);
  const pass = await read(captureArgument(args, 'leaks'), [aggregator]);
  const growth = aggregator.finish();
  checkRange(growth, from, to);
  const report = leaksReport(growth, pass.stacks, maxRows === undefined ? {} : { maxRows });
  const data = dataText(options, { json: () => report, csv: () => leaksCsv(report) });
  await print(data ?? leaksText(report, stdoutStyle()));
};
