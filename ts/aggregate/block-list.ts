// SPDX-License-Identifier: MIT
// Blocks in columns, to be thrown away all at once.

export class BlockList {
  #stacks = new Int32Array(1024);
  #keys = new Float64Array(1024);
  #sizes = new Float64Array(1024);
  #length = 0;

  push(stack: number, size: number, key: number): void {
    const at = this.#length++;
    if (at === this.#stacks.length) this.#grow();
    this.#stacks[at] = stack;
    this.#sizes[at] = size;
    this.#keys[at] = key;
  }

  clear(): void {
    this.#length = 0;
  }

  visit(call: (stack: number, size: number, key: number) => void): void {
    for (let at = 0; at < this.#length; at++) {
      call(this.#stacks[at] as number, this.#sizes[at] as number, this.#keys[at] as number);
    }
  }

  #grow(): void {
    const length = this.#stacks.length * 2;
    const stacks = new Int32Array(length);
    const keys = new Float64Array(length);
    const sizes = new Float64Array(length);
    stacks.set(this.#stacks);
    keys.set(this.#keys);
    sizes.set(this.#sizes);
    this.#stacks = stacks;
    this.#keys = keys;
    this.#sizes = sizes;
  }
}
