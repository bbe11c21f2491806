// SPDX-License-Identifier: MIT
// The biggest stacks of a profile as a tree to walk through, callers first or allocating frames first.

import { type Frame, frameCategory, ROOT_FRAME } from '../model/frame.js';
import { inverted } from '../model/inverted.js';
import type { NamedStacks } from '../model/named-stacks.js';
import {
  bytesByStack,
  type Profile,
  type ProfileKind,
  type ProfileRows,
} from '../model/profile.js';
import { childLists, type StackTree } from '../model/stack-tree.js';
import { withoutFrames } from '../model/without-frames.js';
import { processNames } from './processes.js';
import type { ProcessName } from './thread-text.js';

/** A tree with what is needed to show any part of it. Node 0 is the whole. */
export interface TreeView {
  readonly frames: readonly Frame[];
  readonly tree: StackTree;
  /** Largest first. */
  children(node: number): readonly number[];
}

export interface TreeReport {
  readonly kind: ProfileKind;
  /** Where it is about several. */
  readonly processes?: readonly string[];
  /** The whole, what is left out included. */
  readonly bytes: number;
  readonly count: number;
  /** Smaller stacks than those that are shown. */
  readonly leftOut: { readonly stacks: number; readonly bytes: number; readonly count: number };
  /** Whether allocating frames come first and callers below them. */
  readonly inverted: boolean;
  /** Every frame. */
  readonly full: TreeView;
  /** Without Node.js's own frames: what they hold goes to their callers. */
  readonly plain: TreeView;
  /** The same as plain data, for JSON.stringify and for programs. */
  toJSON(): TreeData;
}

/** A frame and what was called from it. */
export interface TreeNode {
  readonly function: string;
  readonly file: string;
  readonly line: number;
  readonly package: string;
  /** Of native code: its shared library, addon or program. */
  readonly module: string;
  readonly bytes: number;
  readonly own_bytes: number;
  readonly allocations: number;
  readonly children: readonly TreeNode[];
}

/** What `memtape tree --json` prints: every frame, nested. */
export interface TreeData {
  readonly kind: ProfileKind;
  /** Where it is about several. */
  readonly processes?: readonly string[];
  readonly inverted: boolean;
  readonly total_bytes: number;
  readonly total_allocations: number;
  readonly left_out: {
    readonly stacks: number;
    readonly bytes: number;
    readonly allocations: number;
  };
  readonly tree: TreeNode;
}

export interface TreeOptions {
  /** How many stacks to show, the largest of all. */
  readonly biggest?: number;
  /** Allocating frames first, callers below them. */
  readonly inverted?: boolean;
  /** Where it is about several. */
  readonly processes?: readonly ProcessName[];
}

export const DEFAULT_BIGGEST = 200;

const INTERNALS: Frame = { ...ROOT_FRAME, name: '(Node.js internals)' };

export function treeReport(
  profile: Profile,
  stacks: NamedStacks,
  options: TreeOptions = {},
): TreeReport {
  const { rows, leftOut } = biggestRows(profile, options.biggest ?? DEFAULT_BIGGEST);
  const tree = stacks.tree(rows);
  const frames = [...stacks.frames.all(), INTERNALS];
  const hidden = frames.map((frame) => frameCategory(frame) === 'node');
  const turned = (upright: StackTree) => (options.inverted ? inverted(upright) : upright);
  const report = {
    kind: profile.kind,
    ...processNames(options.processes),
    bytes: profile.totalBytes,
    count: profile.totalCount,
    leftOut,
    inverted: options.inverted ?? false,
    full: treeView(turned(tree), frames),
    plain: treeView(turned(withoutFrames(tree, hidden, frames.length - 1)), frames),
  };
  return { ...report, toJSON: () => treeData(report) };
}

function biggestRows(
  { rows, totalBytes, totalCount }: Profile,
  biggest: number,
): { rows: ProfileRows; leftOut: TreeReport['leftOut'] } {
  const sums = [...bytesByStack(rows)].sort(([, a], [, b]) => b.bytes - a.bytes);
  const kept = new Set(sums.slice(0, biggest).map(([stack]) => stack));
  const at = Array.from(rows.stack.keys()).filter((row) => kept.has(rows.stack[row] as number));
  const column = <Column extends ProfileRows[Exclude<keyof ProfileRows, 'size'>]>(from: Column) => {
    const to = from.slice(0, at.length) as Column;
    for (const [i, row] of at.entries()) to[i] = from[row] as number;
    return to;
  };
  const shown = {
    size: at.length,
    stack: column(rows.stack),
    thread: column(rows.thread),
    allocator: column(rows.allocator),
    bytes: column(rows.bytes),
    count: column(rows.count),
  };
  const sum = (numbers: Float64Array) => numbers.reduce((a, b) => a + b, 0);
  return {
    rows: shown,
    leftOut: {
      stacks: sums.length - kept.size,
      bytes: totalBytes - sum(shown.bytes),
      count: totalCount - sum(shown.count),
    },
  };
}

export function treeView(tree: StackTree, frames: readonly Frame[]): TreeView {
  const { first, child } = childLists(tree.parent);
  const sorted = new Map<number, readonly number[]>();
  const children = (node: number): readonly number[] => {
    let list = sorted.get(node);
    if (list === undefined) {
      list = Array.from(child.subarray(first[node], first[node + 1])).sort(
        (a, b) => (tree.totalBytes[b] as number) - (tree.totalBytes[a] as number) || a - b,
      );
      sorted.set(node, list);
    }
    return list;
  };
  return { frames, tree, children };
}

function treeData(report: Omit<TreeReport, 'toJSON'>): TreeData {
  const { full, kind, bytes, count, leftOut } = report;
  const { frames, tree, children } = full;
  const nodeOf = (node: number): TreeNode => {
    const {
      name,
      file,
      line,
      package: owner,
      module,
    } = frames[tree.frame[node] as number] as Frame;
    return {
      function: name,
      file,
      line,
      package: owner,
      module,
      bytes: tree.totalBytes[node] as number,
      own_bytes: tree.selfBytes[node] as number,
      allocations: tree.totalCount[node] as number,
      children: children(node).map(nodeOf),
    };
  };
  return {
    kind,
    ...(report.processes && { processes: report.processes }),
    inverted: report.inverted,
    total_bytes: bytes,
    total_allocations: count,
    left_out: {
      stacks: leftOut.stacks,
      bytes: leftOut.bytes,
      allocations: leftOut.count,
    },
    tree: nodeOf(0),
  };
}
