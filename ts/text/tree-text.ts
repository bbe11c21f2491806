// SPDX-License-Identifier: MIT
// The biggest stacks as a tree of lines, for where there is no terminal to walk through it.

import pc from 'picocolors';
import type { Frame } from '../model/frame.js';
import { placeText } from '../model/frame.js';
import type { ProfileKind } from '../model/profile.js';
import { sizeText } from '../model/size-text.js';
import { fittedPlace, padStart } from '../model/terminal-text.js';
import type { TreeReport, TreeView } from '../report/tree.js';
import { paintShare } from './share-colour.js';
import { columnsOf, type TextOptions } from './text-options.js';

const TITLES: Record<string, string> = {
  peak: 'Heap at its peak',
  leaked: 'Memory never freed',
  temporary: 'Temporary memory',
  allocated: 'Memory allocated',
};

/** `Heap at its peak`, and how it is shown. */
export function treeTitle({ kind, inverted, processes }: TreeReport): string {
  return `${headingText(TITLES[kind] ?? '', kind, processes)}${inverted ? ', allocating frames first' : ''}`;
}

/** Of several processes it says when. */
export function headingText(
  single: string,
  kind: ProfileKind,
  processes: readonly string[] = [],
): string {
  if (processes.length === 0) return single;
  return kind === 'peak'
    ? `Heap of ${processes.length} processes, each at its own peak`
    : `${single}, ${processes.length} processes`;
}

const MIN_LOCATION = 16;

interface Line {
  readonly node: number;
  /** Branches that go on to the left of the line. */
  readonly rails: string;
}

export function treeText(report: TreeReport, options: TextOptions = {}): string {
  const colours = pc.createColors(options.colour ?? false);
  const columns = columnsOf(options);
  const view = report.plain;
  const lines = linesOf(view, columns);
  const sizes = lines.map(({ node }) => sizeText(view.tree.totalBytes[node] as number));
  const sizeWidth = Math.max(0, ...sizes.map((size) => size.length));
  const rows = lines.map(({ node, rails }, index) => {
    const share = report.bytes === 0 ? 0 : (view.tree.totalBytes[node] as number) / report.bytes;
    const percent = padStart(`${(share * 100).toFixed(1)}%`, 6);
    const numbers = `${padStart(sizes[index] as string, sizeWidth)} ${percent}  `;
    const room = Math.max(MIN_LOCATION, columns - numbers.length - rails.length);
    const frame = view.frames[view.tree.frame[node] as number] as Frame;
    return `${paintShare(numbers, share, colours)}${rails}${fittedPlace(frame.name, ' at ', placeText(frame), room)}`;
  });
  const { stacks, bytes } = report.leftOut;
  const rest =
    stacks === 0
      ? []
      : ['', `${sizeText(bytes)} in ${stacks} smaller stacks; --biggest-allocs shows more.`];
  const title = `${treeTitle(report)}: ${sizeText(report.bytes)} in ${report.count} blocks`;
  return `${[colours.bold(title), '', ...rows, ...rest].join('\n')}\n`;
}

/** Only branches indent: stacks are deep, and most of their frames call one function. */
function linesOf({ children }: TreeView, columns: number): Line[] {
  const lines: Line[] = [];
  const pending = pendingOf(children(0), '');
  const most = Math.max(8, Math.floor((columns - MIN_LOCATION) / 2));
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    lines.push({ node: next.node, rails: next.rails });
    pending.push(...pendingOf(children(next.node), next.below.slice(0, most)));
  }
  return lines;
}

function pendingOf(nodes: readonly number[], rails: string) {
  const branches = nodes.length > 1;
  const pending = nodes.map((node, index) => {
    const last = index === nodes.length - 1;
    if (!branches) return { node, rails, below: rails };
    return {
      node,
      rails: `${rails}${last ? '└ ' : '├ '}`,
      below: `${rails}${last ? '  ' : '│ '}`,
    };
  });
  return pending.reverse();
}
