// SPDX-License-Identifier: MIT
// Starts the page of `memtape table`: data in, views made.

import { unpackFrames } from '../page-data.js';
import { decodeEntries, type TablePageData } from '../table-data.js';
import { decodeNodes } from '../tree-codec.js';
import { appFrame } from './app-frame.js';
import { fillOverview, makePlot } from './overview.js';
import { TablePage } from './table-page.js';
import { bytesText, countText, percentText } from './units.js';

function warnings({ folded, stats, totalBytes }: TablePageData): string[] {
  if (folded.stacks === 0) return [...stats.warnings];
  const share = percentText(folded.bytes, totalBytes);
  return [
    ...stats.warnings,
    `To keep this page small, ${countText(folded.stacks)} of the smallest stacks are folded into ` +
      `“(folded)”; they hold ${bytesText(folded.bytes)}, ${share} of the whole.`,
  ];
}

function start(): void {
  const data = JSON.parse(document.getElementById('data')?.textContent ?? '') as TablePageData;
  const source = {
    frames: unpackFrames(data.frames, data.strings).map(appFrame),
    nodes: decodeNodes(data.tree, data.nodes),
    entries: decodeEntries(data.entries, data.entryCount),
    threads: new Map(data.threads),
    processes: new Map(data.processes),
  };
  const { totalBytes: whole, splitThreads } = data;
  let redrawPlot = () => {};
  const page = new TablePage(source, { whole, splitThreads, redrawPlot: () => redrawPlot() });
  fillOverview(page.controls, data, warnings(data));
  const plot = makePlot(page.controls, data.timeline);
  redrawPlot = () => plot?.redraw();
  document.documentElement.dataset['ready'] = '';
}

start();
