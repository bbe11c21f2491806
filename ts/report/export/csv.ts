// SPDX-License-Identifier: MIT
// memray's columns: a row for each stack, thread and allocator.

import { csvLines } from '../../model/csv.js';
import type { Frame } from '../../model/frame.js';
import { ALLOCATOR_NAMES } from '../../model/profile.js';
import { threadText } from '../thread-text.js';
import type { ExportChunks, ExportInput } from './input.js';

const COLUMNS = ['allocator', 'num_allocations', 'size', 'tid', 'thread_name', 'stack_trace'];

export function csv({ profile, stacks, threads }: ExportInput): ExportChunks {
  const { rows } = profile;
  function* values() {
    for (let row = 0; row < rows.size; row++) {
      const thread = rows.thread[row] as number;
      const info = threads.get(thread);
      const path = stacks.path(rows.stack[row] as number);
      yield [
        ALLOCATOR_NAMES[rows.allocator[row] as number] ?? '',
        rows.count[row] as number,
        rows.bytes[row] as number,
        info?.osTid ?? 0,
        threadText(thread, info),
        path.map((frame) => frameFields(stacks.frames.get(frame))).join('|'),
      ];
    }
  }
  return csvLines(COLUMNS, values());
}

/** Leaf first, `function;file;line`; what separates fields and frames may not be in them. */
function frameFields({ name, file, line }: Frame): string {
  return [name, file, `${line}`].map((text) => text.replaceAll(/[|;]/g, ':')).join(';');
}
