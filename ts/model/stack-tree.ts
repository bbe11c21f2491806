// SPDX-License-Identifier: MIT
// A tree of stacks in columns, root first: node 0 is the root, and a parent's index is below its children's.

export interface StackTree {
  readonly size: number;
  readonly parent: Uint32Array;
  readonly frame: Uint32Array;
  readonly selfBytes: Float64Array;
  readonly selfCount: Float64Array;
  readonly totalBytes: Float64Array;
  readonly totalCount: Float64Array;
}

export class StackTreeBuilder {
  #size = 1;
  #parent: Uint32Array;
  #frame: Uint32Array;
  #bytes: Float64Array;
  #count: Float64Array;
  // Open addressing over (parent, frame); holds node indexes, 0 is free because the root is nobody's child.
  #slots: Uint32Array;

  /** @param nodes how many to expect */
  constructor(nodes = 1024) {
    const room = Math.max(1, nodes);
    this.#parent = new Uint32Array(room);
    this.#frame = new Uint32Array(room);
    this.#bytes = new Float64Array(room);
    this.#count = new Float64Array(room);
    this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(room * 2 + 2)));
  }

  child(parent: number, frame: number): number {
    const mask = this.#slots.length - 1;
    let at = slotOf(parent, frame, mask);
    for (;;) {
      const node = this.#slots[at] as number;
      if (node === 0) break;
      if (this.#parent[node] === parent && this.#frame[node] === frame) return node;
      at = (at + 1) & mask;
    }
    return this.#append(parent, frame, at);
  }

  add(node: number, bytes: number, count: number): void {
    this.#bytes[node] = (this.#bytes[node] as number) + bytes;
    this.#count[node] = (this.#count[node] as number) + count;
  }

  finish(): StackTree {
    const size = this.#size;
    const parent = this.#parent.slice(0, size);
    const selfBytes = this.#bytes.slice(0, size);
    const selfCount = this.#count.slice(0, size);
    return withTotals(parent, this.#frame.slice(0, size), selfBytes, selfCount);
  }

  #append(parent: number, frame: number, slot: number): number {
    const node = this.#size++;
    if (node === this.#parent.length) this.#growColumns();
    this.#parent[node] = parent;
    this.#frame[node] = frame;
    this.#slots[slot] = node;
    if (this.#size * 2 > this.#slots.length) this.#rehash();
    return node;
  }

  #growColumns(): void {
    this.#parent = grown(this.#parent, new Uint32Array(this.#parent.length * 2));
    this.#frame = grown(this.#frame, new Uint32Array(this.#frame.length * 2));
    this.#bytes = grown(this.#bytes, new Float64Array(this.#bytes.length * 2));
    this.#count = grown(this.#count, new Float64Array(this.#count.length * 2));
  }

  #rehash(): void {
    const slots = new Uint32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let node = 1; node < this.#size; node++) {
      let at = slotOf(this.#parent[node] as number, this.#frame[node] as number, mask);
      while (slots[at] !== 0) at = (at + 1) & mask;
      slots[at] = node;
    }
    this.#slots = slots;
  }
}

/** Sums self values towards the root. */
export function withTotals(
  parent: Uint32Array,
  frame: Uint32Array,
  selfBytes: Float64Array,
  selfCount: Float64Array,
): StackTree {
  const totalBytes = selfBytes.slice();
  const totalCount = selfCount.slice();
  for (let node = parent.length - 1; node > 0; node--) {
    const above = parent[node] as number;
    totalBytes[above] = (totalBytes[above] as number) + (totalBytes[node] as number);
    totalCount[above] = (totalCount[above] as number) + (totalCount[node] as number);
  }
  return { size: parent.length, parent, frame, selfBytes, selfCount, totalBytes, totalCount };
}

/** Children of each node as ranges of `child`: those of node n are child[first[n]] … child[first[n + 1] - 1]. */
export interface ChildLists {
  readonly first: Uint32Array;
  readonly child: Uint32Array;
}

export function childLists(parent: Uint32Array): ChildLists {
  const size = parent.length;
  const first = new Uint32Array(size + 1);
  for (let node = 1; node < size; node++) {
    const slot = (parent[node] as number) + 1;
    first[slot] = (first[slot] as number) + 1;
  }
  for (let node = 0; node < size; node++) {
    first[node + 1] = (first[node + 1] as number) + (first[node] as number);
  }
  const next = first.slice(0, size);
  const child = new Uint32Array(Math.max(0, size - 1));
  for (let node = 1; node < size; node++) {
    const above = parent[node] as number;
    const at = next[above] as number;
    child[at] = node;
    next[above] = at + 1;
  }
  return { first, child };
}

function slotOf(parent: number, frame: number, mask: number): number {
  const hash = Math.imul(parent, 0x9e3779b1) ^ Math.imul(frame + 1, 0x85ebca77);
  return (hash ^ (hash >>> 15)) & mask;
}

function grown<T extends Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
