// SPDX-License-Identifier: MIT
// memtape tree: the biggest stacks, on a terminal to walk through, elsewhere as text.
import { existsSync } from 'node:fs';
import { basename, isAbsolute } from 'node:path';
import pc from 'picocolors';
import type { Recording } from '../../capture/recording.js';
import type { Frame } from '../../model/frame.js';
import { sizeText } from '../../model/size-text.js';
import type { TreeReport } from '../../report/tree.js';
import { treeCsv } from '../../report/tree-rows.js';
import { treeText, treeTitle } from '../../text/tree-text.js';
import type { TreeScreenOptions } from '../../tui/tree-screen.js';
import { analyse } from '../analysis.js';
import { captureArguments } from '../capture-argument.js';
import type { Action } from '../commands.js';
import type { Options } from '../options.js';
import { dataText, print, stdoutStyle } from '../output.js';

/** Both ends, and one that knows what a cursor is. */
const isInteractive = (): boolean =>
  process.stdin.isTTY === true && process.stdout.isTTY === true && process.env['TERM'] !== 'dumb';

/** The lines of a file: those in the captures, else the file itself where it has not changed since. */
function sourceOf({ processes }: Recording): TreeScreenOptions['source'] {
  const known = new Map<string, ReturnType<TreeScreenOptions['source']>>();
  return (file) => {
    const lines = known.get(file) ?? processes.sourceText(file);
    known.set(file, lines);
    return lines;
  };
}

type Turned = (inverted: boolean) => TreeReport;

/** Loaded only here: no other command pays for it. */
async function walk(paths: string[], report: TreeReport, turned: Turned, recording: Recording) {
  const { Terminal } = await import('../../tui/terminal.js');
  const { TreeScreen } = await import('../../tui/tree-screen.js');
  const { editorOf, openInEditor } = await import('../../tui/editor.js');
  const editor = editorOf(process.env);
  const edit = ({ kind, file, line }: Frame): string | null => {
    if (kind !== 'js' || line === 0 || !isAbsolute(file)) return 'there is no source to open';
    if (!existsSync(file)) return `${file} is not here`;
    if (editor === undefined) return 'set EDITOR to the program that is to open it';
    return terminal.lend(() => openInEditor(editor, file, line));
  };
  const screen = new TreeScreen(report, {
    title: (shown) =>
      ` memtape  ${treeTitle(shown)}: ${sizeText(shown.bytes)}  ${paths.map((path) => basename(path)).join(' ')}`,
    colours: pc.createColors(stdoutStyle().colour ?? false),
    turned,
    edit,
    source: sourceOf(recording),
  });
  const terminal = new Terminal(process.stdin, process.stdout, screen);
  await terminal.run();
}

function reporter(recording: Recording, { biggestAllocs }: Options): Turned {
  const biggest = biggestAllocs === undefined ? {} : { biggest: biggestAllocs };
  return (inverted) => recording.tree({ ...biggest, inverted });
}

export const action: Action = async (args, options) => {
  const paths = captureArguments(args, 'tree');
  const recording = await analyse(paths, options);
  const turned = reporter(recording, options);
  const report = turned(options.inverted ?? false);
  const data = dataText(options, {
    json: () => report,
    csv: () => [...treeCsv(report.full)].join(''),
  });
  if (data === undefined && isInteractive()) await walk(paths, report, turned, recording);
  else await print(data ?? treeText(report, stdoutStyle()));
};
