// SPDX-License-Identifier: MIT
// Which frames a query finds, and how much memory lies under them.

import type { AppFrame } from './app-frame.js';
import type { Layout } from './layout.js';

export interface Query {
  readonly text: string;
  readonly regex: boolean;
}

export interface SearchResult {
  /** By frame id. */
  readonly matches: readonly boolean[];
  /** Matching nodes that are drawn, largest first. */
  readonly nodes: readonly number[];
  /** Memory under matching frames; a match below another match is not counted again. */
  readonly bytes: number;
  readonly count: number;
}

/** Throws SyntaxError for a broken regular expression. */
export function frameMatcher(query: Query): (frame: AppFrame) => boolean {
  if (query.regex) {
    const pattern = new RegExp(query.text, 'iu');
    return ({ text, package: owner, module }) =>
      pattern.test(text) || pattern.test(owner) || pattern.test(module);
  }
  const text = query.text.toLowerCase();
  return (frame) =>
    [frame.text, frame.package, frame.module].some((each) => each.toLowerCase().includes(text));
}

export function search(layout: Layout, frames: readonly AppFrame[], query: Query): SearchResult {
  const matcher = frameMatcher(query);
  const matches = frames.map((frame, id) => id !== 0 && matcher(frame));
  const { tree } = layout;
  const nodes: number[] = [];
  const covered = new Uint8Array(tree.size);
  let bytes = 0;
  let count = 0;
  for (let node = 1; node < tree.size; node++) {
    const above = covered[tree.parent[node] as number] as number;
    const matched = matches[tree.frame[node] as number] === true;
    covered[node] = matched ? 1 : above;
    if (!matched) continue;
    nodes.push(node);
    if (above === 1) continue;
    bytes += tree.totalBytes[node] as number;
    count += tree.totalCount[node] as number;
  }
  nodes.sort((a, b) => (tree.totalBytes[b] as number) - (tree.totalBytes[a] as number));
  return { matches, nodes, bytes, count };
}
