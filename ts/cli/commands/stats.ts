// SPDX-License-Identifier: MIT
// memtape stats: totals, sizes, allocators and the largest places.
import { statsText } from '../../text/stats-text.js';
import { analyse } from '../analysis.js';
import { captureArgument } from '../capture-argument.js';
import type { Action } from '../commands.js';
import { print, stdoutStyle } from '../output.js';

export const action: Action = async (args, options) => {
  const { stats } = await analyse(captureArgument(args, 'stats'));
  const report = stats(options.numLargest);
  await print(
    options.json ? `${JSON.stringify(report, null, 2)}\n` : statsText(report, stdoutStyle()),
  );
};
