// SPDX-License-Identifier: MIT
// Starts the page: data in, views made.

import { appFrame } from './app-frame.js';
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
  controls.figures.replaceChildren(...keyFigures(data));
  controls.statsBody.replaceChildren(...statsContent(data));
  const warnings = warningTexts(data).map((text) => element('p', {}, text));
  controls.warnings.replaceChildren(...warnings);
  controls.warnings.hidden = warnings.length === 0;
  const hasSamples = data.timeline.process.time_ms.length > 0;
  controls.timeline.hidden = !hasSamples;
  const plot = hasSamples ? new Plot(controls.plot, controls.plotLegend, data.timeline) : undefined;
  new Page(controls, new Trees(tree, frames.map(appFrame)), data.kind, () => plot?.redraw());
  document.documentElement.dataset['ready'] = '';
}

start();
