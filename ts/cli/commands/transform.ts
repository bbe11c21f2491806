// SPDX-License-Identifier: MIT
// memtape transform: the same memory in the formats of other tools.
import { EXPORT_FORMATS, type ExportFormat } from '../../report/export/formats.js';
import { didYouMean } from '../../tracker/did-you-mean.js';
import { UsageError } from '../../tracker/usage-error.js';
import { analyse } from '../analysis.js';
import { captureArguments } from '../capture-argument.js';
import type { Action } from '../commands.js';
import { profileWord, reportFile, writeReportFile } from '../report-file.js';

const NAMES = Object.keys(EXPORT_FORMATS);

function format(name: string | undefined): ExportFormat {
  const found = NAMES.includes(name ?? '') ? EXPORT_FORMATS[name ?? ''] : undefined;
  if (found !== undefined) return found;
  const known = `formats: ${NAMES.join(', ')}`;
  if (name === undefined) throw new UsageError('no format given', known);
  const near = didYouMean(name, NAMES);
  throw new UsageError(
    `there is no format "${name}"`,
    near === undefined ? known : `did you mean ${near}?`,
  );
}

export const action: Action = async ([name, ...paths], options) => {
  const { chunks, extension, isTimeline, opens } = format(name);
  const captures = captureArguments(paths, `transform ${name}`);
  const word = profileWord(options);
  if (isTimeline && word !== undefined) {
    throw new UsageError(
      `${name} shows the whole run: it has no ${word}`,
      'speedscope, pprof and the other formats have',
    );
  }
  const kind = word === undefined ? `${name}` : `${name}-${word}`;
  const file = reportFile(captures, { kind, extension }, options);
  const recording = await analyse(captures, options);
  const pieces = chunks(recording.exportInput());
  await writeReportFile(file, pieces, options, `; open it with: ${opens(file.path)}`);
};
