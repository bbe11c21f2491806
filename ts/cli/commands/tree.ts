// SPDX-License-Identifier: MIT
// memtape tree: the biggest stacks, on a terminal to walk through, elsewhere as text.
import { basename } from 'node:path';
import pc from 'picocolors';
import { sizeText } from '../../model/size-text.js';
import { type TreeReport, treeData, treeReport } from '../../report/tree.js';
import { readLines } from '../../resolve/source-lines.js';
import { TREE_TITLES, treeText } from '../../text/tree-text.js';
import { type Analysis, analyse } from '../analysis.js';
import { captureArgument } from '../capture-argument.js';
import type { Action } from '../commands.js';
import { dataText, print, stdoutStyle } from '../output.js';

/** Both ends, and one that knows what a cursor is. */
const isInteractive = (): boolean =>
  process.stdin.isTTY === true && process.stdout.isTTY === true && process.env['TERM'] !== 'dumb';

function sourceOf({ end }: Analysis): (file: string) => readonly string[] | null {
  const durationNs = end.trailer?.durationNs ?? end.endTimeNs;
  const endedAtMs = Number(end.header.startUnixNs / 1_000_000n) + durationNs / 1e6;
  const known = new Map<string, readonly string[] | null>();
  return (file) => {
    const lines = known.get(file) ?? readLines(file, { endedAtMs });
    known.set(file, lines);
    return lines;
  };
}

/** Loaded only here: no other command pays for it. */
async function walk(path: string, report: TreeReport, analysis: Analysis): Promise<void> {
  const { Terminal } = await import('../../tui/terminal.js');
  const { TreeScreen } = await import('../../tui/tree-screen.js');
  const screen = new TreeScreen(report, {
    title: ` memtape  ${TREE_TITLES[report.kind]}: ${sizeText(report.bytes)}  ${basename(path)}`,
    colours: pc.createColors(stdoutStyle().colour ?? false),
    source: sourceOf(analysis),
  });
  await new Terminal(process.stdin, process.stdout, screen).run();
}

export const action: Action = async (args, options) => {
  const path = captureArgument(args, 'tree');
  const analysis = await analyse(path, options);
  const { biggestAllocs } = options;
  const report = treeReport(analysis.profile, analysis.stacks, {
    ...(biggestAllocs !== undefined && { biggest: biggestAllocs }),
  });
  const data = dataText(options, { json: () => treeData(report), csv: () => '' });
  if (data === undefined && isInteractive()) await walk(path, report, analysis);
  else await print(data ?? treeText(report, stdoutStyle()));
};
