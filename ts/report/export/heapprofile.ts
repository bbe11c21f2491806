// SPDX-License-Identifier: MIT
// V8's sampling heap profile, as the Memory panel of Chrome DevTools loads it.

import type { Frame } from '../../model/frame.js';
import type { StackTree } from '../../model/stack-tree.js';
import type { ExportChunks, ExportInput } from './input.js';
import { walkTree } from './tree-paths.js';

const ROOT: Frame = { kind: 'label', name: '(root)', file: '', line: 0, column: 0, package: '' };
const CHUNK_CHARACTERS = 1 << 16;

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
function headText(tree: StackTree, frames: readonly Frame[]): string[] {
  const chunks = [`{"head":${opened(0, 0, ROOT)}`];
  let text = '';
  let first = true;
  walkTree(tree, {
    enter: (node) => {
      const frame = frames[tree.frame[node] as number] as Frame;
      text += `${first ? '' : ','}${opened(node, tree.selfBytes[node] as number, frame)}`;
      first = true;
      if (text.length < CHUNK_CHARACTERS) return;
      chunks.push(text);
      text = '';
    },
    leave: () => {
      text += ']}';
      first = false;
    },
  });
  chunks.push(`${text}]}`);
  return chunks;
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
