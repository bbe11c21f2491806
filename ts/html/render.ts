// SPDX-License-Identifier: MIT
// A flame graph report as one HTML file that needs nothing else and fetches nothing.

import { type StackTree, withTotals } from '../model/stack-tree.js';
import type { FlamegraphReport, TreeColumns } from '../report/flamegraph-report.js';
import { flamegraphMarkup, flamegraphScript } from './app-bundle.js';
import { comparedTree } from './difference.js';
import { foldSmallFrames } from './fold.js';
import { headingOf, htmlPage, MAX_PAGE_BYTES, smallEnough } from './html-page.js';
import { type Folded, type PageData, packFrames } from './page-data.js';
import { encodeTree } from './tree-codec.js';

export interface RenderOptions {
  /** The smallest frames are folded until the page is at most this large. */
  readonly maxBytes?: number;
  /** Show allocating frames first, callers below them, until the reader turns it round. */
  readonly inverted?: boolean;
}

export interface RenderedPage {
  readonly html: string;
  readonly folded: Folded;
}

export function renderFlamegraph(
  report: FlamegraphReport,
  options: RenderOptions = {},
): RenderedPage {
  const maxBytes = options.maxBytes ?? MAX_PAGE_BYTES;
  const tree = treeOf(report.tree);
  const isDifference = report.tree.self_bytes_before !== undefined;
  return smallEnough(maxBytes, tree.size, (keep) => {
    const fold = foldSmallFrames(tree, report.frames, keep);
    const { strings, rows } = packFrames(fold.frames);
    const data: PageData = {
      title: report.title,
      kind: report.kind,
      strings,
      frames: rows,
      nodes: fold.tree.size,
      tree: encodeTree(fold.tree),
      isDifference,
      inverted: options.inverted ?? false,
      folded: fold.folded,
      timeline: report.timeline,
      stats: report.stats,
    };
    return { html: page(report, data), folded: fold.folded };
  });
}

function treeOf(columns: TreeColumns): StackTree {
  const parent = Uint32Array.from(columns.parent);
  const frame = Uint32Array.from(columns.frame);
  const bytes = Float64Array.from(columns.self_bytes);
  const before = columns.self_bytes_before;
  if (before !== undefined) return comparedTree(parent, frame, Float64Array.from(before), bytes);
  return withTotals(parent, frame, bytes, Float64Array.from(columns.self_count));
}

function page(report: FlamegraphReport, data: PageData): string {
  const single = headingOf(report.kind);
  const heading = data.isDifference
    ? {
        heading: `${single.heading}, compared`,
        moment: `${single.moment}, in whichever of the two captures it was more,`,
      }
    : single;
  return htmlPage({
    ...heading,
    title: report.title,
    command: report.stats.metadata.command_line,
    markup: flamegraphMarkup,
    script: flamegraphScript,
    data,
  });
}
