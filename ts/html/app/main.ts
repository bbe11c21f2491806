// SPDX-License-Identifier: MIT
// Starts the page: data in, views made.

import type { StackTree } from '../../model/stack-tree.js';
import { drawnTrees } from '../difference.js';
import type { PageData } from '../page-data.js';
import { type AppFrame, appFrame } from './app-frame.js';
import { findControls } from './controls.js';
import { readPageData } from './data.js';
import { element } from './dom.js';
import { Page } from './page.js';
import { Plot } from './plot.js';
import { keyFigures, statsContent, warningTexts } from './stats-panel.js';
import { Trees } from './trees.js';

function start(): void {
  const controls = findControls();
  const { data, tree, frames } = readPageData();
  controls.figures.replaceChildren(...keyFigures(data, tree));
  controls.statsBody.replaceChildren(...statsContent(data));
  const warnings = warningTexts(data).map((text) => element('p', {}, text));
  controls.warnings.replaceChildren(...warnings);
  controls.warnings.hidden = warnings.length === 0;
  const hasSamples = data.timeline.process.time_ms.length > 0;
  controls.timeline.hidden = !hasSamples;
  const plot = hasSamples ? new Plot(controls.plot, controls.plotLegend, data.timeline) : undefined;
  new Page(controls, treesOf(tree, frames.map(appFrame), data), data.kind, () => plot?.redraw());
  document.documentElement.dataset['ready'] = '';
}

function treesOf(tree: StackTree, frames: readonly AppFrame[], data: PageData): Trees {
  if (!data.isDifference) return new Trees(tree, frames);
  const { before, after } = drawnTrees(tree);
  return new Trees(after, frames, before);
}

start();
