// SPDX-License-Identifier: MIT
// speedscope's own format: the same stacks twice, weighed by bytes and by number of allocations.
// https://www.speedscope.app/file-format-schema.json

import type { Frame } from '../../model/frame.js';
import type { ExportChunks, ExportInput } from './input.js';
import { type TreeStack, treeStacks } from './tree-paths.js';

const SCHEMA = 'https://www.speedscope.app/file-format-schema.json';

export function* speedscope({ profile, stacks, stats }: ExportInput): ExportChunks {
  const sampled = treeStacks(stacks.tree(profile.rows));
  const { command_line: name, memtape_version: version } = stats.metadata;
  const head = {
    $schema: SCHEMA,
    name,
    exporter: `memtape@${version}`,
    activeProfileIndex: 0,
  };
  const shared = { frames: stacks.frames.all().map(speedscopeFrame) };
  yield `${JSON.stringify(head).slice(0, -1)},"shared":${JSON.stringify(shared)},"profiles":[`;
  yield* sampledProfile('Memory', 'bytes', sampled, 'bytes');
  yield ',';
  yield* sampledProfile('Allocations', 'none', sampled, 'count');
  yield ']}\n';
}

function* sampledProfile(
  name: string,
  unit: 'bytes' | 'none',
  sampled: readonly TreeStack[],
  weight: 'bytes' | 'count',
): Generator<string> {
  const used = sampled.filter((stack) => stack[weight] > 0);
  const endValue = used.reduce((sum, stack) => sum + stack[weight], 0);
  const head = { type: 'sampled', name, unit, startValue: 0, endValue };
  yield `${JSON.stringify(head).slice(0, -1)},"samples":[`;
  for (const [i, { path }] of used.entries()) yield `${i === 0 ? '' : ','}[${path.join()}]`;
  yield `],"weights":[${used.map((stack) => stack[weight]).join()}]}`;
}

function speedscopeFrame({ name, file, line, column }: Frame) {
  return {
    name,
    ...(file !== '' && { file }),
    ...(line > 0 && { line }),
    ...(column > 0 && { col: column }),
  };
}
