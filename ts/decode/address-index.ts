// SPDX-License-Identifier: MIT

// A Map holds at most 2^24 entries; a process may hold more blocks.
const SHARDS = 64;
const GRANULE_BYTES = 16;

/** Address → address id. */
export class AddressIndex {
  readonly #shards = Array.from({ length: SHARDS }, () => new Map<number, number>());

  get(address: number): number | undefined {
    return this.#shard(address).get(address);
  }

  set(address: number, id: number): void {
    this.#shard(address).set(address, id);
  }

  #shard(address: number): Map<number, number> {
    return this.#shards[Math.floor(address / GRANULE_BYTES) % SHARDS] as Map<number, number>;
  }
}
