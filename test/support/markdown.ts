// SPDX-License-Identifier: MIT
// As much of Markdown as tests of the documents need.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../scripts/sources.mjs';

export interface Fence {
  readonly language: string;
  readonly text: string;
}

export interface Page {
  /** From the top of the repository. */
  readonly path: string;
  readonly text: string;
  readonly fences: readonly Fence[];
  /** Everything outside of fences. */
  readonly prose: string;
  /** What links may name after `#`. */
  readonly anchors: ReadonlySet<string>;
}

const FENCE = /^```(\w*)\n(.*?)^```$/gms;

export function readPage(path: string): Page {
  const text = readFileSync(join(root, path), 'utf8');
  const prose = text.replaceAll(FENCE, '');
  const headings = [...prose.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => slug(heading));
  return {
    path,
    text,
    prose,
    fences: [...text.matchAll(FENCE)].map(([, language = '', text = '']) => ({ language, text })),
    anchors: new Set(headings),
  };
}

/** As GitHub makes them. */
export function slug(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

/** Targets of links and images. */
export function links(page: Page): string[] {
  const withoutCode = page.prose.replaceAll(/`[^`\n]*`/g, '');
  return [...withoutCode.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
}

/** Cells of the tables' rows, without headings and rules. */
export function rows(page: Page): string[][] {
  return [...page.prose.matchAll(/^\|(.*)\|$/gm)].map(([, cells = '']) =>
    cells.split(/(?<!\\)\|/).map((cell) => cell.trim()),
  );
}

/** What stands in backquotes in a text. */
export function codes(text: string): string[] {
  return [...text.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);
}
