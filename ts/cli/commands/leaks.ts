// SPDX-License-Identifier: MIT
// memtape leaks: what a service keeps, and whether that is a leak.
import { GrowthAggregator } from '../../aggregate/growth.js';
import { checkRange } from '../../capture/growth-range.js';
import { leaksReport } from '../../report/leaks.js';
import { leaksCsv, leaksText } from '../../text/leaks-text.js';
import { analyse } from '../analysis.js';
import { captureArgument } from '../capture-argument.js';
import type { Action } from '../commands.js';
import { print, stdoutStyle } from '../output.js';

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
