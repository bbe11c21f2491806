// SPDX-License-Identifier: MIT
// Starts the page of `memtape rss`: verdicts, the picture, the tables.

import { printable } from '../../model/printable.js';
import type { RssExplained, RssReport } from '../../report/rss-report.js';
import { byId, element } from './dom.js';
import { RssPlot } from './rss-plot.js';
import { ThemeSwitch } from './theme.js';
import { bytesText, durationText, exactBytes, percentText } from './units.js';

/** Details beyond these are in the report's JSON. */
const MOST_DETAILS = 20;

interface Moment {
  readonly name: string;
  readonly at: RssExplained;
}

function start(): void {
  const report = JSON.parse(document.getElementById('data')?.textContent ?? '') as RssReport;
  const moments = momentsOf(report);
  byId('moments', HTMLElement).append(...moments.map(card));
  fillWarnings(report.notes);
  fillParts(byId('parts', HTMLTableElement), moments);
  fillArenas(byId('arenas', HTMLTableElement), moments.at(-1));
  const hasSeries = report.series.rss.length > 1;
  const plot = hasSeries
    ? new RssPlot(byId('plot', HTMLElement), byId('plot-legend', HTMLElement), report.series)
    : null;
  if (!hasSeries) byId('plot', HTMLElement).parentElement?.setAttribute('hidden', '');
  const theme = new ThemeSwitch(byId('theme', HTMLButtonElement), () => plot?.redraw());
  document.addEventListener('keydown', (event) => {
    if (event.key === 't' && !event.ctrlKey && !event.metaKey && !event.altKey) theme.toggle();
  });
  document.documentElement.dataset['ready'] = '';
}

function momentsOf({ peak, end }: RssReport): Moment[] {
  const moments: Moment[] = [];
  const same = peak !== null && end !== null && peak.time_ms === end.time_ms;
  if (peak !== null)
    moments.push({ name: same ? 'At its highest and at the end' : 'At its highest', at: peak });
  if (end !== null && !same) moments.push({ name: 'At the end', at: end });
  return moments;
}

function card({ name, at }: Moment): HTMLElement {
  return element(
    'section',
    { class: 'rss-card' },
    element('h2', {}, `${name}: ${bytesText(at.rss)}`),
    element(
      'p',
      { class: `rss-verdict ${at.verdict}` },
      `${at.verdict}, ${durationText(at.time_ms)}`,
    ),
    ...at.why.map((sentence) => element('p', {}, printable(sentence))),
    element('ul', {}, ...at.advice.map((text) => element('li', {}, printable(text)))),
  );
}

function fillWarnings(notes: readonly string[]): void {
  const box = byId('warnings', HTMLElement);
  box.append(...notes.map((note) => element('p', {}, printable(note))));
  box.hidden = notes.length === 0;
}

function fillParts(table: HTMLTableElement, moments: readonly Moment[]): void {
  const heads = moments.map(({ name }) => element('th', { scope: 'col', class: 'number' }, name));
  table.tHead?.append(element('tr', {}, element('th', { scope: 'col' }, 'Kind'), ...heads));
  const body = table.tBodies[0];
  for (const [i, { kind, label }] of (moments[0]?.at.rows ?? []).entries()) {
    const rows = moments.map(({ at }) => at.rows[i]);
    if (rows.every((row) => (row?.bytes ?? 0) === 0)) continue;
    const swatch = element('span', { class: `rss-swatch ${kind.replace('_', '-')}` });
    const cells = moments.map(({ at }, m) => sizeCell(rows[m]?.bytes ?? 0, at.rss));
    body?.append(element('tr', {}, element('th', { scope: 'row' }, swatch, label), ...cells));
    const names = new Set(rows.flatMap((row) => row?.details.map(({ name }) => name) ?? []));
    for (const name of [...names].filter((text) => text !== '').slice(0, MOST_DETAILS)) {
      const detailCells = moments.map(({ at }, m) =>
        sizeCell(rows[m]?.details.find((detail) => detail.name === name)?.bytes ?? 0, at.rss),
      );
      const head = element('th', { scope: 'row' }, printable(name));
      body?.append(element('tr', { class: 'detail' }, head, ...detailCells));
    }
  }
}

function sizeCell(bytes: number, rss: number): HTMLElement {
  const text = bytes === 0 ? '' : `${bytesText(bytes)} · ${percentText(bytes, rss)}`;
  return element('td', { class: 'number', title: exactBytes(bytes) }, text);
}

function fillArenas(table: HTMLTableElement, last: Moment | undefined): void {
  const arenas = last?.at.arenas ?? [];
  if (last === undefined || arenas.length < 2) return;
  const heads = ['Resident', 'Live', 'Freed, between blocks', 'Freed, whole pages'];
  const cells = heads.map((text) => element('th', { scope: 'col', class: 'number' }, text));
  table.tHead?.append(element('tr', {}, element('th', { scope: 'col' }, 'Arena'), ...cells));
  for (const { arena, resident, live, fragments, free } of arenas) {
    const sizes = [resident, live, fragments, free].map((bytes) =>
      element('td', { class: 'number', title: exactBytes(bytes) }, bytesText(bytes)),
    );
    const name = element('th', { scope: 'row' }, arena === 1 ? 'main' : `${arena}`);
    table.tBodies[0]?.append(element('tr', {}, name, ...sizes));
  }
  table.hidden = false;
}

start();
