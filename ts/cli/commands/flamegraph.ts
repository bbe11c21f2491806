// SPDX-License-Identifier: MIT
// memtape flamegraph: one HTML file, beside the capture unless -o says otherwise, or its data.
import { SliceLeaks } from '../../aggregate/slice-leaks.js';
import { SlicePeaks } from '../../aggregate/slice-peaks.js';
import { renderFlamegraph } from '../../html/render.js';
import { inverted } from '../../model/inverted.js';
import { sizeText } from '../../model/size-text.js';
import { type FlamegraphInput, flamegraphReport } from '../../report/flamegraph.js';
import type { FlamegraphReport } from '../../report/flamegraph-report.js';
import { threadText } from '../../report/thread-text.js';
import { treeView } from '../../report/tree.js';
import { treeCsv } from '../../report/tree-rows.js';
import { linesOf } from '../../resolve/embedded-lines.js';
import { endedAtMs } from '../../resolve/resolution.js';
import { type Analysis, analyse } from '../analysis.js';
import { captureArgument } from '../capture-argument.js';
import type { Action } from '../commands.js';
import type { Options } from '../options.js';
import { pageSize, profileWord, reportFile, writeReportFile } from '../report-file.js';

export const action: Action = async (args, options) => {
  const capture = captureArgument(args, 'flamegraph');
  const word = profileWord(options);
  const words = [...(options.temporal ? ['temporal'] : []), ...(word ? [word] : [])];
  const kind = words.length > 0 ? words.join('-') : 'flamegraph';
  const target = options.json || options.csv ? { output: '-', ...options } : options;
  const file = reportFile(capture, { kind, extension: 'html' }, target);
  const slices = options.temporal && (options.leaks ? new SliceLeaks() : new SlicePeaks());
  const analysis = await analyse(capture, options, slices ? [slices] : []);
  const chunks = options.csv
    ? rows(analysis, options)
    : [text(analysis, options, slices ? slices.finish() : undefined)];
  await writeReportFile(file, chunks, options);
};

/** With `--split-threads`: what the boxes at the root are called. */
function threadNames({ end }: Analysis, { splitThreads }: Options) {
  const { threads } = end.tables;
  return splitThreads && ((thread: number) => threadText(thread, threads.get(thread)));
}

function rows(analysis: Analysis, options: Options): Iterable<string> {
  const { profile, stacks } = analysis;
  const tree = stacks.tree(profile.rows, threadNames(analysis, options) || undefined);
  return treeCsv(treeView(options.inverted ? inverted(tree) : tree, stacks.frames.all()));
}

function text(
  analysis: Analysis,
  options: Options,
  slices: FlamegraphInput['slices'] | undefined,
): string {
  const { end, profile, stacks, timeline, stats, jsHeap } = analysis;
  const { confidentialFiles: confidential = 'default' } = options;
  const threadName = threadNames(analysis, options);
  const report = flamegraphReport({
    profile,
    stacks,
    timeline,
    stats: stats(),
    ...(jsHeap && { jsHeap }),
    sourceLines: (frames) => linesOf(end, frames, { confidential, endedAtMs: endedAtMs(end) }),
    threads: end.tables.threads,
    ...(threadName && { threadName }),
    ...(slices && { slices }),
  });
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
