// SPDX-License-Identifier: MIT
// A flame graph report as one HTML file that needs nothing else and fetches nothing.

import { createHash } from 'node:crypto';
import { type StackTree, withTotals } from '../model/stack-tree.js';
import type { FlamegraphReport, TreeColumns } from '../report/flamegraph-report.js';
import { headScript, markup, script, style } from './app-bundle.js';
import { comparedTree } from './difference.js';
import { foldSmallFrames } from './fold.js';
import { type Folded, type PageData, packFrames } from './page-data.js';
import { encodeTree } from './tree-codec.js';

const DEFAULT_MAX_BYTES = 2_000_000;

export interface RenderOptions {
  /** The smallest frames are folded until the page is at most this large. */
  readonly maxBytes?: number;
}

export interface RenderedPage {
  readonly html: string;
  readonly folded: Folded;
}

const HEADINGS: Record<string, { heading: string; moment: string }> = {
  peak: { heading: 'Heap at its peak', moment: 'when the heap was largest' },
  leaked: { heading: 'Memory never freed', moment: 'at the end' },
  temporary: { heading: 'Temporary memory', moment: 'for a short time' },
  allocated: { heading: 'Memory allocated', moment: 'at any time' },
};

export function renderFlamegraph(
  report: FlamegraphReport,
  options: RenderOptions = {},
): RenderedPage {
  const maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
  const tree = treeOf(report.tree);
  const isDifference = report.tree.self_bytes_before !== undefined;
  let keep = tree.size;
  for (;;) {
    const fold = foldSmallFrames(tree, report.frames, keep);
    const { strings, rows } = packFrames(fold.frames);
    const data: PageData = {
      title: report.title,
      kind: report.kind,
      strings,
      frames: rows,
      nodes: fold.tree.size,
      tree: encodeTree(fold.tree),
      isDifference,
      folded: fold.folded,
      timeline: report.timeline,
      stats: report.stats,
    };
    const html = page(report, data);
    const size = Buffer.byteLength(html);
    if (size <= maxBytes || keep <= 1) return { html, folded: fold.folded };
    // What does not depend on frames cannot be folded; a little more than the excess goes, so that few rounds are needed.
    keep = Math.max(1, Math.floor(keep * Math.min(0.9, (maxBytes / size) * 0.95)));
  }
}

function treeOf(columns: TreeColumns): StackTree {
  const parent = Uint32Array.from(columns.parent);
  const frame = Uint32Array.from(columns.frame);
  const bytes = Float64Array.from(columns.self_bytes);
  const before = columns.self_bytes_before;
  if (before !== undefined) return comparedTree(parent, frame, Float64Array.from(before), bytes);
  return withTotals(parent, frame, bytes, Float64Array.from(columns.self_count));
}

function page(report: FlamegraphReport, data: PageData): string {
  const command = report.stats.metadata.command_line;
  const single = HEADINGS[report.kind] ?? { heading: 'Memory', moment: '' };
  const { heading, moment } = data.isDifference
    ? {
        heading: `${single.heading}, compared`,
        moment: `${single.moment}, in whichever of the two captures it was more,`,
      }
    : single;
  const parts: Record<string, string> = {
    csp: contentSecurityPolicy(),
    title: escapeHtml(`${heading} – ${report.title} – memtape`),
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

/** Only what this file carries may run; nothing may be fetched, framed forms or bases included. */
function contentSecurityPolicy(): string {
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
