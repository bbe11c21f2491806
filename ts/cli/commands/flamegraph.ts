// SPDX-License-Identifier: MIT
// memtape flamegraph: one HTML file, beside the capture unless -o says otherwise.
import { basename, dirname, join } from 'node:path';
import { renderFlamegraph } from '../../html/render.js';
import { sizeText } from '../../model/size-text.js';
import { flamegraphReport } from '../../report/flamegraph.js';
import { checkOutput, escapeTemplate } from '../../tracker/destination.js';
import { analyse } from '../analysis.js';
import { captureArgument } from '../capture-argument.js';
import type { Action } from '../commands.js';
import type { Options } from '../options.js';
import { writeReport } from '../output.js';

function defaultPath(capture: string, options: Options): string {
  const temporary = options.temporary || options.temporaryThreshold !== undefined;
  const kind = temporary ? 'temporary' : options.leaks ? 'leaks' : 'flamegraph';
  const name = basename(capture)
    .replace(/^memtape-/, '')
    .replace(/\.bin$/, '');
  return join(dirname(capture), `memtape-${kind}-${name}.html`);
}

export const action: Action = async (args, options) => {
  const capture = captureArgument(args, 'flamegraph');
  const path = options.output ?? defaultPath(capture, options);
  const overwrite = options.force ?? false;
  checkOutput(escapeTemplate(path), overwrite);
  const { profile, stacks, timeline, stats } = await analyse(capture, options);
  const report = flamegraphReport({ profile, stacks, timeline, stats: stats() });
  const { html, folded } = renderFlamegraph(report);
  await writeReport(path, html, overwrite);
  if (options.quiet) return;
  if (folded.frames > 0) {
    process.stderr.write(
      `memtape: folded ${folded.frames} small frames, ${sizeText(folded.bytes)} in all\n`,
    );
  }
  process.stderr.write(`memtape: wrote ${path}\n`);
};
