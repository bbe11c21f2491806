// SPDX-License-Identifier: MIT
// What RSS is made of as one HTML file that needs nothing else and fetches nothing.

import type { RssReport } from '../report/rss-report.js';
import { rssMarkup, rssScript } from './app-bundle.js';
import { htmlPage } from './html-page.js';

export interface RssRenderOptions {
  /** The capture's name. */
  readonly title?: string;
}

export function renderRss(report: RssReport, { title = 'RSS' }: RssRenderOptions = {}): string {
  return htmlPage({
    heading: 'Resident memory',
    moment: '',
    title,
    command: report.command,
    markup: rssMarkup,
    script: rssScript,
    data: report,
  });
}
