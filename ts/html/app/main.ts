// SPDX-License-Identifier: MIT
// Starts the page: data in, views made.

import type { StackTree } from '../../model/stack-tree.js';
import { drawnTrees } from '../difference.js';
import type { PageData } from '../page-data.js';
import { type AppFrame, appFrame } from './app-frame.js';
import { findControls } from './controls.js';
import { readPageData } from './data.js';
import { fillOverview, makePlot } from './overview.js';
import { Page } from './page.js';
import { hashFromState, INITIAL_STATE } from './state.js';
import { warningTexts } from './stats-panel.js';
import { Trees } from './trees.js';

function start(): void {
  const controls = findControls();
  const { data, tree, frames } = readPageData();
  fillOverview(controls, data, warningTexts(data), data.isDifference ? tree : undefined);
  if (data.inverted && location.hash === '') showInverted();
  const plot = makePlot(controls, data.timeline);
  new Page(controls, treesOf(tree, frames.map(appFrame), data), data.kind, () => plot?.redraw());
  document.documentElement.dataset['ready'] = '';
}

/** As a link to the inverted graph would, so that the button undoes it. */
function showInverted(): void {
  try {
    location.replace(`#${hashFromState({ ...INITIAL_STATE, inverted: true })}`);
  } catch {
    // A sandboxed frame may refuse; then there is the button.
  }
}

function treesOf(tree: StackTree, frames: readonly AppFrame[], data: PageData): Trees {
  if (!data.isDifference) return new Trees(tree, frames);
  const { before, after } = drawnTrees(tree);
  return new Trees(after, frames, before);
}

start();
