// SPDX-License-Identifier: MIT
// Which part of a map record counts as heap (docs/format.md §5.2).

import { MEMORY_CLASS } from '../format/constants.js';
import type { MapDelta, MapRecord } from '../format/records.js';
import { ALLOCATOR_MMAP } from '../model/profile.js';
import { locationKey } from './location-table.js';

const NO_THREAD = 0;

/** Deltas name the stack that owns the pages but no thread: pages outlive and change threads. */
export const MAPPING_KEY = locationKey(NO_THREAD, ALLOCATOR_MMAP);

export function committedDeltas(map: MapRecord): readonly MapDelta[] {
  return map.deltas.filter((delta) => delta.class === MEMORY_CLASS.committed);
}

export function committedBytes(map: MapRecord): number {
  let bytes = 0;
  for (const delta of map.deltas) if (delta.class === MEMORY_CLASS.committed) bytes += delta.bytes;
  return bytes;
}
