// SPDX-License-Identifier: MIT
// What every page has above its own: key figures, warnings, memory over time, and the statistics dialog.

import type { TimelineReport } from '../../report/timeline.js';
import type { PageSlices } from '../page-data.js';
import { byId, element } from './dom.js';
import { Plot } from './plot.js';
import { type Compared, keyFigures, type StatsData, statsContent } from './stats-panel.js';

/** The elements of top.html and bottom.html. */
export function findOverview() {
  const button = (id: string) => byId(id, HTMLButtonElement);
  const box = (id: string) => byId(id, HTMLElement);
  return {
    figures: box('figures'),
    warnings: box('warnings'),
    plot: box('plot'),
    plotLegend: box('plot-legend'),
    timeline: box('timeline'),
    theme: button('theme'),
    statsButton: button('show-stats'),
    helpButton: button('show-help'),
    stats: byId('stats', HTMLDialogElement),
    statsBody: box('stats-body'),
    help: byId('help', HTMLDialogElement),
  };
}

export type Overview = ReturnType<typeof findOverview>;

export function fillOverview(
  overview: Overview,
  data: StatsData,
  warnings: readonly string[],
  compared?: Compared,
): void {
  overview.figures.replaceChildren(...keyFigures(data, compared));
  overview.statsBody.replaceChildren(...statsContent(data, warnings));
  overview.warnings.replaceChildren(...warnings.map((text) => element('p', {}, text)));
  overview.warnings.hidden = warnings.length === 0;
}

/** Nothing where nothing was sampled. */
export function makePlot(
  overview: Overview,
  timeline: TimelineReport,
  slices?: PageSlices,
): Plot | undefined {
  const hasSamples = timeline.process.time_ms.length > 0;
  overview.timeline.hidden = !hasSamples;
  return hasSamples ? new Plot(overview.plot, overview.plotLegend, timeline, slices) : undefined;
}

/** The dialogs open by their buttons and close by a click beside them. */
export function listenToDialogs({ stats, help, statsButton, helpButton }: Overview): void {
  statsButton.addEventListener('click', () => stats.showModal());
  helpButton.addEventListener('click', () => help.showModal());
  for (const dialog of [stats, help]) {
    dialog.addEventListener('click', (event) => {
      if (event.target === dialog) dialog.close();
    });
  }
}
