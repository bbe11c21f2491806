// SPDX-License-Identifier: MIT
// Which part of a map record counts as heap (docs/format.md §5.2).

import { MEMORY_CLASS } from '../format/constants.js';
import type { MapDelta, MapRecord } from '../format/records.js';

export function committedDeltas(map: MapRecord): readonly MapDelta[] {
  return map.deltas.filter((delta) => delta.class === MEMORY_CLASS.committed);
}

export function committedBytes(map: MapRecord): number {
  let bytes = 0;
  for (const delta of map.deltas) if (delta.class === MEMORY_CLASS.committed) bytes += delta.bytes;
  return bytes;
}
