// SPDX-License-Identifier: MIT
// The JSON of gprof2dot (`gprof2dot -f json`): call chains over functions, leaf first.

import type { Frame } from '../../model/frame.js';
import type { ExportChunks, ExportInput } from './input.js';
import { treeStacks } from './tree-paths.js';

export function* gprof2dot({ profile, stacks }: ExportInput): ExportChunks {
  const tree = stacks.tree(profile.rows);
  const { functions, idOf } = functionsOf(stacks.frames.all());
  yield '{"version":0,"costs":[{"description":"Memory","unit":"bytes"}],"events":[';
  let separator = '';
  for (const { path, bytes } of treeStacks(tree)) {
    if (bytes <= 0) continue;
    const callchain = path.map((frame) => idOf[frame]).reverse();
    yield `${separator}${JSON.stringify({ callchain, cost: [bytes] })}`;
    separator = ',\n';
  }
  yield `],"functions":${JSON.stringify(functions)}}\n`;
}

interface GprofFunction {
  readonly name: string;
  readonly module?: string;
}

/** The graph has a node for each function, whichever lines of it were running. */
function functionsOf(frames: readonly Frame[]): { functions: GprofFunction[]; idOf: number[] } {
  const functions: GprofFunction[] = [];
  const ids = new Map<string, number>();
  const idOf = frames.map(({ name, file }) => {
    const key = `${name}\0${file}`;
    const known = ids.get(key);
    if (known !== undefined) return known;
    const id = functions.push(file === '' ? { name } : { name, module: file }) - 1;
    ids.set(key, id);
    return id;
  });
  return { functions, idOf };
}
