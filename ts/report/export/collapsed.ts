// SPDX-License-Identifier: MIT
// Collapsed stacks, as flamegraph.pl and inferno read them: `root;caller;leaf bytes`, one stack a line.

import { type Frame, frameText } from '../../model/frame.js';
import { printable } from '../../model/printable.js';
import type { ExportChunks, ExportInput } from './input.js';
import { treeStacks } from './tree-paths.js';

export function* collapsed({ profile, stacks }: ExportInput): ExportChunks {
  const tree = stacks.tree(profile.rows);
  const names = stacks.frames.all().map(frameName);
  for (const { path, bytes } of treeStacks(tree)) {
    if (bytes > 0) yield `${path.map((frame) => names[frame]).join(';')} ${bytes}\n`;
  }
}

/** A semicolon would end the frame. */
function frameName(frame: Frame): string {
  return printable(frameText(frame)).replaceAll(';', ':');
}
