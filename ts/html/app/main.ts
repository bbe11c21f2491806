// SPDX-License-Identifier: MIT
// Starts the page: data in, views made.

import { findControls } from './controls.js';
import { readPageData, treeSource } from './data.js';
import { fillOverview, makePlot } from './overview.js';
import { Page } from './page.js';
import { hashFromState, INITIAL_STATE } from './state.js';
import { type Compared, warningTexts } from './stats-panel.js';
import { Trees } from './trees.js';

function start(): void {
  const controls = findControls();
  const data = readPageData();
  const source = treeSource(data);
  fillOverview(controls, data, warningTexts(data), data.isDifference ? compared() : undefined);
  if (data.inverted && location.hash === '') showInverted();
  const plot = makePlot(controls, data.timeline, data.slices);
  new Page(controls, new Trees(source), data, plot);
  document.documentElement.dataset['ready'] = '';

  /** Of a comparison: bytes are those before, counts the bytes after. */
  function compared(): Compared {
    const { bytes, count } = source.memory.between(0, 0);
    const sum = (column: Float64Array) => column.reduce((all, each) => all + each, 0);
    return { before: sum(bytes), after: sum(count) };
  }
}

/** As a link to the inverted graph would, so that the button undoes it. */
function showInverted(): void {
  try {
    location.replace(`#${hashFromState({ ...INITIAL_STATE, inverted: true })}`);
  } catch {
    // A sandboxed frame may refuse; then there is the button.
  }
}

start();
