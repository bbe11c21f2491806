// SPDX-License-Identifier: MIT
// A table report as one HTML file that needs nothing else and fetches nothing.

import type { TableReport } from '../report/table.js';
import { tableMarkup, tableScript } from './app-bundle.js';
import { foldSmallStacks } from './fold-table.js';
import { headingOf, htmlPage, MAX_PAGE_BYTES, smallEnough } from './html-page.js';
import { packFrames } from './page-data.js';
import { encodeEntries, type FoldedStacks, type TablePageData } from './table-data.js';
import { encodeNodes } from './tree-codec.js';

export interface TableRenderOptions {
  /** The smallest stacks are folded until the page is at most this large. */
  readonly maxBytes?: number;
  /** Show a row for each thread from the start. */
  readonly splitThreads?: boolean;
}

export interface RenderedTable {
  readonly html: string;
  readonly folded: FoldedStacks;
}

export function renderTable(report: TableReport, options: TableRenderOptions = {}): RenderedTable {
  const { maxBytes = MAX_PAGE_BYTES, splitThreads = false } = options;
  return smallEnough(maxBytes, report.entries.site.length, (keep) => {
    const { frames, nodes, entries, folded } = foldSmallStacks(report, keep);
    const { strings, rows } = packFrames(frames);
    const data: TablePageData = {
      kind: report.kind,
      strings,
      frames: rows,
      nodes: nodes.parent.length,
      tree: encodeNodes(nodes),
      entryCount: entries.site.length,
      entries: encodeEntries(entries),
      threads: [...report.threads],
      processes: [...(report.processes ?? [])],
      splitThreads,
      folded,
      totalBytes: report.total_bytes,
      timeline: report.timeline,
      stats: report.stats,
    };
    const html = htmlPage({
      ...headingOf(report),
      title: report.title,
      command: report.stats.metadata.command_line,
      markup: tableMarkup,
      script: tableScript,
      data,
    });
    return { html, folded };
  });
}
