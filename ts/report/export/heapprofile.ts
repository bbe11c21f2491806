// SPDX-License-Identifier: MIT
// V8's sampling heap profile, as the Memory panel of Chrome DevTools loads it.

import { type Frame, ROOT_FRAME } from '../../model/frame.js';
import type { StackTree } from '../../model/stack-tree.js';
import type { ExportChunks, ExportInput } from './input.js';
import { preorder } from './tree-paths.js';

const ROOT: Frame = { ...ROOT_FRAME, name: '(root)' };

export function* heapprofile({ profile, stacks }: ExportInput): ExportChunks {
  const tree = stacks.tree(profile.rows);
  yield* headText(tree, stacks.frames.all());
  yield ',"samples":[';
  let separator = '';
  for (let node = 0; node < tree.size; node++) {
    const size = tree.selfBytes[node] as number;
    if (size <= 0) continue;
    yield `${separator}{"size":${size},"nodeId":${node + 1},"ordinal":${node + 1}}`;
    separator = ',';
  }
  yield ']}\n';
}

/** Nested as deep as the stacks are, so written as it is walked. */
function* headText(tree: StackTree, frames: readonly Frame[]): Generator<string> {
  const depth = new Uint32Array(tree.size);
  for (let node = 1; node < tree.size; node++) {
    depth[node] = (depth[tree.parent[node] as number] as number) + 1;
  }
  yield `{"head":${opened(0, 0, ROOT)}`;
  let open = 0;
  for (const node of preorder(tree)) {
    const level = depth[node] as number;
    const isFirstChild = level > open;
    // Whatever is as deep as this node or deeper has no more children.
    const closing = isFirstChild ? '' : `${']}'.repeat(open - level + 1)},`;
    const frame = frames[tree.frame[node] as number] as Frame;
    yield closing + opened(node, tree.selfBytes[node] as number, frame);
    open = level;
  }
  yield ']}'.repeat(open + 1);
}

/** A node up to its first child. Lines and columns count from 0 here; −1 is unknown. */
function opened(node: number, selfSize: number, { name, file, line, column }: Frame): string {
  const callFrame = {
    functionName: name,
    scriptId: '0',
    url: file,
    lineNumber: line - 1,
    columnNumber: column - 1,
  };
  return `{"callFrame":${JSON.stringify(callFrame)},"selfSize":${selfSize},"id":${node + 1},"children":[`;
}
