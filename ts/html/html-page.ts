// SPDX-License-Identifier: MIT
// Puts a page together: one HTML file that needs nothing else and fetches nothing.

import { createHash } from 'node:crypto';
import type { ProfileKind } from '../model/profile.js';
import type { JsHeapReport } from '../report/js-heap-report.js';
import type { StatsReport } from '../report/stats-report.js';
import { headScript, style } from './app-bundle.js';

/** Unless the reader asks for more. */
export const MAX_PAGE_BYTES = 2_000_000;

interface Heading {
  readonly heading: string;
  /** When the memory was live, as a part of a sentence. */
  readonly moment: string;
}

const HEADINGS: Record<ProfileKind, Heading> = {
  peak: { heading: 'Heap at its peak', moment: 'when the heap was largest' },
  leaked: { heading: 'Memory never freed', moment: 'at the end' },
  temporary: { heading: 'Temporary memory', moment: 'for a short time' },
  allocated: { heading: 'Memory allocated', moment: 'at any time' },
  js_heap_peak: { heading: 'JS heap at its highest', moment: 'when the JS heap was largest' },
  js_heap_end: { heading: 'JS heap at the end', moment: 'at the end' },
};

interface Headed {
  readonly kind: ProfileKind;
  readonly js_heap?: JsHeapReport;
  readonly stats: StatsReport;
}

export function headingOf({ kind, js_heap: jsHeap, stats }: Headed): Heading {
  const { heading, moment } = { ...HEADINGS[kind], ...(jsHeap && { heading: jsHeap.title }) };
  const count = stats.processes?.length ?? 1;
  if (count === 1) return { heading, moment };
  // Each has its own highest moment, and its own end.
  return kind === 'peak'
    ? {
        heading: `Heap of ${count} processes, each at its own peak`,
        moment: 'when the heap of its process was largest',
      }
    : { heading: `${heading}: ${count} processes`, moment };
}

export interface HtmlPage extends Heading {
  readonly title: string;
  /** The recorded program's command line. */
  readonly command: string;
  /** With {{name}} where the other parts belong. */
  readonly markup: string;
  readonly script: string;
  /** What the script reads from #data. */
  readonly data: unknown;
}

export function htmlPage(page: HtmlPage): string {
  const { markup, script, heading, moment, title, command, data } = page;
  const parts: Record<string, string> = {
    csp: contentSecurityPolicy(script),
    title: escapeHtml(`${heading} – ${title} – memtape`),
    heading: escapeHtml(heading),
    command: escapeHtml(command),
    moment,
    head: headScript,
    style,
    script,
    data: inertJson(data),
  };
  return markup.replace(/\{\{(\w+)\}\}/g, (_all, name: string) => parts[name] ?? '');
}

/** The first page that is at most `maxBytes` large, keeping as much as that allows of `all`. */
export function smallEnough<Page extends { readonly html: string }>(
  maxBytes: number,
  all: number,
  render: (keep: number) => Page,
): Page {
  let keep = all;
  for (;;) {
    const page = render(keep);
    const size = Buffer.byteLength(page.html);
    if (size <= maxBytes || keep <= 1) return page;
    // What is always there cannot be left out; a little more than the excess goes, so that few rounds are needed.
    keep = Math.max(1, Math.floor(keep * Math.min(0.9, (maxBytes / size) * 0.95)));
  }
}

/** Only what this file carries may run; nothing may be fetched, framed forms or bases included. */
function contentSecurityPolicy(script: string): string {
  const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  return [
    "default-src 'none'",
    `script-src ${hash(headScript)} ${hash(script)}`,
    `style-src ${hash(style)}`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
}

/** JSON that no HTML parser can mistake for markup, and no script parser for a line end. */
function inertJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function escapeHtml(text: string): string {
  const entities: Record<string, string> = {
    '&': 'amp',
    '<': 'lt',
    '>': 'gt',
    '"': 'quot',
    "'": '#39',
  };
  return text.replace(/[&<>"']/g, (character) => `&${entities[character]};`);
}
