// SPDX-License-Identifier: MIT
// memtape rss: what resident memory is made of, and what to make of that.
import { basename } from 'node:path';
import { readRss } from '../../capture/rss.js';
import { renderRss } from '../../html/render-rss.js';
import { rssCsv, rssText } from '../../text/rss-text.js';
import { read } from '../analysis.js';
import { captureArgument } from '../capture-argument.js';
import type { Action } from '../commands.js';
import { dataText, print, stdoutStyle } from '../output.js';
import { reportFile, writeReportFile } from '../report-file.js';

export const action: Action = async (args, options) => {
  const capture = captureArgument(args, 'rss');
  const toFile = options.output !== undefined;
  const file = toFile ? reportFile([capture], { kind: 'rss', extension: 'html' }, options) : null;
  const report = await readRss((consumer, more) => read(capture, [consumer], more));
  const data = dataText(options, { json: () => report, csv: () => rssCsv(report) });
  if (file === null) return print(data ?? rssText(report, stdoutStyle()));
  const content = data ?? renderRss(report, { title: basename(capture) });
  await writeReportFile(file, [content], options);
};
