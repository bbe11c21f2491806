// SPDX-License-Identifier: MIT
// Which stacks are of one place, told while a capture is read, when nothing has its final name yet.

import type { Tables } from '../decode/tables.js';
import { STACK_IN_GC } from '../format/constants.js';
import { isNodeInternal } from '../model/frame.js';

const UNKNOWN = 0;

/**
 * Groups stacks by the line of the innermost function that is the program's own, else a dependency's, else by the innermost native frame.
 * Tiers of one function are one place: what interpreted code allocated and optimized code replaces is no growth of the latter.
 */
export class SiteGroups {
  readonly #tables: Tables | null;
  readonly #ids = new Map<string, number>();
  #groupOf = new Int32Array(1024).fill(-1);
  /** A stack for each group, by which it gets its name. Groups count from 1, as stacks do. */
  readonly stacks: number[] = [UNKNOWN];

  /** @param tables without them each stack is a group */
  constructor(tables: Tables | null) {
    this.#tables = tables;
  }

  of(stack: number): number {
    if (stack < this.#groupOf.length) {
      const known = this.#groupOf[stack] as number;
      if (known >= 0) return known;
    }
    return this.#add(stack);
  }

  #add(stack: number): number {
    if (stack >= this.#groupOf.length) {
      const groups = new Int32Array(Math.max(this.#groupOf.length * 2, stack + 1)).fill(-1);
      groups.set(this.#groupOf);
      this.#groupOf = groups;
    }
    const key = this.#tables === null ? `${stack}` : this.#key(this.#tables, stack);
    let group = this.#ids.get(key);
    if (group === undefined) {
      group = this.stacks.push(stack) - 1;
      this.#ids.set(key, group);
    }
    this.#groupOf[stack] = group;
    return group;
  }

  #key(tables: Tables, stack: number): string {
    if ((tables.stackFlags.get(stack) & STACK_IN_GC) !== 0) return 'gc';
    const { stackNodes, nodeParents, nodeFrames } = tables;
    const leaf = stackNodes.get(stack);
    let outside: string | undefined;
    for (let node = leaf; node !== UNKNOWN; node = nodeParents.get(node)) {
      const frame = tables.frame(nodeFrames.get(node));
      if (frame?.kind === 'label') return `label ${frame.label}`;
      if (frame === null || !('line' in frame)) continue;
      const file = tables.function(frame.function)?.file ?? '';
      if (file === '' || isNodeInternal(file)) continue;
      const key = `${frame.function}:${frame.line}`;
      if (!/[\\/]node_modules[\\/]/.test(file)) return key;
      outside ??= key;
    }
    return outside ?? `frame ${nodeFrames.get(leaf)}`;
  }
}
