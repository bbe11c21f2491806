// SPDX-License-Identifier: MIT
// Which native names are missing, and why: what the user can do something about.
import { basename } from 'node:path';
import type { NameProblem } from '../resolve/resolution.js';

const SHOWN_FILES = 3;

/** A line for each cause. Missing source maps are left out: published packages lack them by the hundred. */
export function nameNotes(problems: readonly NameProblem[]): string[] {
  const files = new Map<string, Set<string>>();
  for (const { file, problem } of problems) {
    if (problem.startsWith('source map')) continue;
    files.set(problem, (files.get(problem) ?? new Set()).add(basename(file)));
  }
  return [...files].map(([problem, names]) => {
    const shown = [...names].slice(0, SHOWN_FILES);
    const hidden = names.size - shown.length;
    return `memtape: names of ${shown.join(', ')}${hidden > 0 ? ` and ${hidden} more` : ''}: ${problem}`;
  });
}
