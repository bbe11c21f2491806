// SPDX-License-Identifier: MIT
// Reads what render.ts embedded.

import type { SourcedFrame } from '../../model/frame.js';
import type { StackTree } from '../../model/stack-tree.js';
import { type PageData, unpackFrames } from '../page-data.js';
import { decodeTree } from '../tree-codec.js';

export function readPageData(): { data: PageData; tree: StackTree; frames: SourcedFrame[] } {
  const text = document.getElementById('data')?.textContent ?? '';
  const data = JSON.parse(text) as PageData;
  return {
    data,
    tree: decodeTree(data.tree, data.nodes),
    frames: unpackFrames(data.frames, data.strings),
  };
}
