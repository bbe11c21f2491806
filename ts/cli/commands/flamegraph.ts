// SPDX-License-Identifier: MIT
// memtape flamegraph: one HTML file, beside the capture unless -o says otherwise, or its data.
import { SliceLeaks } from '../../aggregate/slice-leaks.js';
import { SlicePeaks } from '../../aggregate/slice-peaks.js';
import type { Recording } from '../../capture/recording.js';
import { flamegraphOf } from '../../capture/reports.js';
import { renderFlamegraph } from '../../html/render.js';
import { inverted } from '../../model/inverted.js';
import { sizeText } from '../../model/size-text.js';
import type { FlamegraphInput } from '../../report/flamegraph.js';
import type { FlamegraphReport } from '../../report/flamegraph-report.js';
import { treeView } from '../../report/tree.js';
import { treeCsv } from '../../report/tree-rows.js';
import { UsageError } from '../../tracker/usage-error.js';
import { analyse } from '../analysis.js';
import { captureArguments } from '../capture-argument.js';
import type { Action } from '../commands.js';
import type { Options } from '../options.js';
import { pageSize, profileWord, reportFile, writeReportFile } from '../report-file.js';

export const action: Action = async (args, options) => {
  const captures = captureArguments(args, 'flamegraph');
  if (options.temporal && captures.length > 1) throw severalOverTime();
  const word = profileWord(options);
  const words = [...(options.temporal ? ['temporal'] : []), ...(word ? [word] : [])];
  const kind = words.length > 0 ? words.join('-') : 'flamegraph';
  const target = options.json || options.csv ? { output: '-', ...options } : options;
  const file = reportFile(captures, { kind, extension: 'html' }, target);
  const slices = options.temporal && (options.leaks ? new SliceLeaks() : new SlicePeaks());
  const recording = await analyse(captures, options, slices ? [slices] : []);
  const chunks = options.csv
    ? rows(recording, options)
    : [text(recording, options, slices ? slices.finish() : undefined)];
  await writeReportFile(file, chunks, options);
};

const severalOverTime = () =>
  new UsageError(
    '--temporal shows one process: the peaks of several in a range of time were at different moments',
    'give one capture, or leave out --temporal',
  );

function rows(recording: Recording, options: Options): Iterable<string> {
  const { profile, stacks, threadName } = recording;
  const tree = stacks.tree(profile.rows, options.splitThreads ? threadName : undefined);
  return treeCsv(treeView(options.inverted ? inverted(tree) : tree, stacks.frames.all()));
}

function text(
  recording: Recording,
  options: Options,
  slices: FlamegraphInput['slices'] | undefined,
): string {
  const report = flamegraphOf(recording, options, slices);
  return options.json ? `${JSON.stringify(report)}\n` : page(report, options);
}

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
