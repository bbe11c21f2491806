// SPDX-License-Identifier: MIT
// What is live when the program exits, or when the capture ends, by location.

import { committedDeltas } from '../decode/committed.js';
import type { Consumer } from '../decode/consumer.js';
import { EXIT_MARK } from '../format/constants.js';
import type { MapRecord, MarkRecord } from '../format/records.js';
import type { Profile } from '../model/profile.js';
import { LocationTable, locationKey, profileTotals } from './location-table.js';
import { MAPPING_KEY } from './mappings.js';

const BYTES = 0;
const COUNT = 1;

export class LeakAggregator implements Consumer {
  readonly #locations = new LocationTable();
  #atExit: Profile | null = null;

  onAlloc(stack: number, size: number, allocator: number, thread: number): void {
    this.#change(stack, locationKey(thread, allocator), size, 1);
  }

  onFree(stack: number, size: number, allocator: number, thread: number): void {
    this.#change(stack, locationKey(thread, allocator), -size, -1);
  }

  onMap(map: MapRecord): void {
    for (const delta of committedDeltas(map)) {
      this.#change(delta.stack, MAPPING_KEY, delta.bytes, delta.ranges);
    }
  }

  /** After this, Node.js frees at teardown what the program never did. */
  onMark(mark: MarkRecord): void {
    if (mark.name === EXIT_MARK) this.#atExit = this.#live();
  }

  leaked(): Profile {
    return this.#atExit ?? this.#live();
  }

  #live(): Profile {
    const rows = this.#locations.rows(BYTES, COUNT);
    return { kind: 'leaked', rows, ...profileTotals(rows) };
  }

  #change(stack: number, key: number, bytes: number, count: number): void {
    const at = this.#locations.locate(stack, key);
    const slots = this.#locations.slots;
    slots[at + BYTES] = (slots[at + BYTES] as number) + bytes;
    slots[at + COUNT] = (slots[at + COUNT] as number) + count;
  }
}
