// SPDX-License-Identifier: MIT
// memtape flamegraph: one HTML file, beside the capture unless -o says otherwise.
import { renderFlamegraph } from '../../html/render.js';
import { sizeText } from '../../model/size-text.js';
import { flamegraphReport } from '../../report/flamegraph.js';
import { analyse } from '../analysis.js';
import { captureArgument } from '../capture-argument.js';
import type { Action } from '../commands.js';
import { profileWord, reportFile, writeReportFile } from '../report-file.js';

export const action: Action = async (args, options) => {
  const capture = captureArgument(args, 'flamegraph');
  const kind = profileWord(options) ?? 'flamegraph';
  const file = reportFile(capture, { kind, extension: 'html' }, options);
  const { profile, stacks, timeline, stats } = await analyse(capture, options);
  const report = flamegraphReport({ profile, stacks, timeline, stats: stats() });
  const { html, folded } = renderFlamegraph(report);
  if (folded.frames > 0 && !options.quiet) {
    process.stderr.write(
      `memtape: folded ${folded.frames} small frames, ${sizeText(folded.bytes)} in all\n`,
    );
  }
  await writeReportFile(file, [html], options);
};
