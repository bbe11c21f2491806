// SPDX-License-Identifier: MIT
// Reads what render.ts embedded.

import { type PageData, unpackFrames } from '../page-data.js';
import { decodeNodes } from '../tree-codec.js';
import { appFrame } from './app-frame.js';
import { unpackMemory } from './page-memory.js';
import type { TreeSource } from './trees.js';

export function readPageData(): PageData {
  return JSON.parse(document.getElementById('data')?.textContent ?? '') as PageData;
}

export function treeSource(data: PageData): TreeSource {
  const { isDifference, groups, processes, threads, allocators, slices } = data;
  return {
    nodes: decodeNodes(data.tree, data.nodes),
    frames: unpackFrames(data.frames, data.strings).map(appFrame),
    memory: unpackMemory(data.memory, slices),
    isDifference,
    groups,
    processes,
    threads,
    allocators,
  };
}
