// SPDX-License-Identifier: MIT
// speedscope's own format: the same stacks twice, weighed by bytes and by number of allocations.
// https://www.speedscope.app/file-format-schema.json

import type { Frame } from '../../model/frame.js';
import type { StackTree } from '../../model/stack-tree.js';
import type { ExportChunks, ExportInput } from './input.js';
import { treeStacks } from './tree-paths.js';

const SCHEMA = 'https://www.speedscope.app/file-format-schema.json';

export function* speedscope({ profile, stacks, stats }: ExportInput): ExportChunks {
  const tree = stacks.tree(profile.rows);
  const { command_line: name, memtape_version: version } = stats.metadata;
  const head = {
    $schema: SCHEMA,
    name,
    exporter: `memtape@${version}`,
    activeProfileIndex: 0,
  };
  const shared = { frames: stacks.frames.all().map(speedscopeFrame) };
  yield `${JSON.stringify(head).slice(0, -1)},"shared":${JSON.stringify(shared)},"profiles":[`;
  yield* sampledProfile('Memory', 'bytes', tree, 'bytes');
  yield ',';
  yield* sampledProfile('Allocations', 'none', tree, 'count');
  yield ']}\n';
}

function* sampledProfile(
  name: string,
  unit: 'bytes' | 'none',
  tree: StackTree,
  weight: 'bytes' | 'count',
): Generator<string> {
  const weights: number[] = [];
  yield `{"type":"sampled","name":"${name}","unit":"${unit}","startValue":0,"samples":[`;
  for (const stack of treeStacks(tree)) {
    if (stack[weight] <= 0) continue;
    yield `${weights.length === 0 ? '' : ','}[${stack.path.join()}]`;
    weights.push(stack[weight]);
  }
  const endValue = weights.reduce((sum, one) => sum + one, 0);
  yield `],"weights":[${weights.join()}],"endValue":${endValue}}`;
}

function speedscopeFrame({ name, file, line, column }: Frame) {
  return {
    name,
    ...(file !== '' && { file }),
    ...(line > 0 && { line }),
    ...(column > 0 && { col: column }),
  };
}
