// SPDX-License-Identifier: MIT
// memtape stats: totals, sizes, allocators and the largest places.
import { statsCsv } from '../../text/stats-csv.js';
import { statsText } from '../../text/stats-text.js';
import { analyse } from '../analysis.js';
import { captureArguments } from '../capture-argument.js';
import type { Action } from '../commands.js';
import { dataText, print, stdoutStyle } from '../output.js';
import { profileWord } from '../report-file.js';

export const action: Action = async (args, options) => {
  const recording = await analyse(captureArguments(args, 'stats'), options);
  const report = recording.stats({
    ...(options.numLargest !== undefined && { top: options.numLargest }),
    ...(profileWord(options) !== undefined && { profile: recording.profile }),
  });
  const data = dataText(options, { json: () => report, csv: () => statsCsv(report) });
  await print(data ?? statsText(report, stdoutStyle()));
};
