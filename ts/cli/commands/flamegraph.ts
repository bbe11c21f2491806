// SPDX-License-Identifier: MIT
// memtape flamegraph: one HTML file, beside the capture unless -o says otherwise, or its data.
import { renderFlamegraph } from '../../html/render.js';
import { sizeText } from '../../model/size-text.js';
import { flamegraphReport } from '../../report/flamegraph.js';
import type { FlamegraphReport } from '../../report/flamegraph-report.js';
import { threadText } from '../../report/thread-text.js';
import { endedAtMs } from '../../resolve/resolution.js';
import { sourceLines } from '../../resolve/source-lines.js';
import { analyse } from '../analysis.js';
import { captureArgument } from '../capture-argument.js';
import type { Action } from '../commands.js';
import type { Options } from '../options.js';
import { pageSize, profileWord, reportFile, writeReportFile } from '../report-file.js';

export const action: Action = async (args, options) => {
  const capture = captureArgument(args, 'flamegraph');
  const kind = profileWord(options) ?? 'flamegraph';
  const target = options.json ? { output: '-', ...options } : options;
  const file = reportFile(capture, { kind, extension: 'html' }, target);
  const { end, profile, stacks, timeline, stats } = await analyse(capture, options);
  const { confidentialFiles: confidential = 'default' } = options;
  const { threads } = end.tables;
  const report = flamegraphReport({
    profile,
    stacks,
    timeline,
    stats: stats(),
    sourceLines: (frames) => sourceLines(frames, { confidential, endedAtMs: endedAtMs(end) }),
    ...(options.splitThreads && {
      threadName: (thread) => threadText(thread, threads.get(thread)),
    }),
  });
  const text = options.json ? `${JSON.stringify(report)}\n` : page(report, options);
  await writeReportFile(file, [text], options);
};

function page(report: FlamegraphReport, options: Options): string {
  const { html, folded } = renderFlamegraph(report, {
    ...pageSize(options),
    inverted: options.inverted ?? false,
  });
  if (folded.frames > 0 && !options.quiet) {
    process.stderr.write(
      `memtape: folded ${folded.frames} small frames, ${sizeText(folded.bytes)} in all\n`,
    );
  }
  return html;
}
