// SPDX-License-Identifier: MIT
// Of each node of a capture's stacks, the role in which one of V8's threads was there.

import type { FrameSource } from './frame-source.js';
import { V8_PLATFORM_LABEL, V8_ROLES, type V8Role, v8RoleOf } from './v8-roles.js';

const UNKNOWN = 0;
/** Not below the label of V8's threads. */
const ELSEWHERE = 1;
/** Below it, and no frame so far has a role. */
const OPEN = 2;
const FIRST_ROLE = 3;

export class NodeRoles {
  readonly #source: FrameSource;
  readonly #namesOf: (frame: number) => readonly string[];
  /** Of the nodes that were asked for. A parent is known before its children. */
  #states = new Uint8Array(1024);

  /** @param namesOf what a recorded frame is called, outermost first */
  constructor(source: FrameSource, namesOf: (frame: number) => readonly string[]) {
    this.#source = source;
    this.#namesOf = namesOf;
  }

  /** In which role the thread was at this node. */
  of(node: number): V8Role | null {
    return roleOf(this.#state(node));
  }

  /** The role, at the outermost node that tells it. */
  startsAt(node: number): V8Role | null {
    const state = this.#state(node);
    if (state < FIRST_ROLE) return null;
    return this.#state(this.#source.nodeParents.get(node)) === OPEN ? roleOf(state) : null;
  }

  #state(node: number): number {
    const { nodeParents } = this.#source;
    if (node >= this.#states.length) this.#grow(node);
    const unknown: number[] = [];
    let at = node;
    let state = ELSEWHERE;
    for (; at !== 0; at = nodeParents.get(at)) {
      const known = this.#states[at] ?? UNKNOWN;
      if (known !== UNKNOWN) {
        state = known;
        break;
      }
      unknown.push(at);
    }
    for (let next = unknown.pop(); next !== undefined; next = unknown.pop()) {
      state = this.#below(state, next);
      this.#states[next] = state;
    }
    return state;
  }

  #grow(node: number): void {
    const grown = new Uint8Array(2 * node);
    grown.set(this.#states);
    this.#states = grown;
  }

  #below(above: number, node: number): number {
    const { nodeParents, nodeFrames } = this.#source;
    if (above >= FIRST_ROLE) return above;
    const frame = nodeFrames.get(node);
    if (above === ELSEWHERE) {
      if (nodeParents.get(node) !== 0) return ELSEWHERE;
      const info = this.#source.frame(frame);
      return info?.kind === 'label' && info.label === V8_PLATFORM_LABEL ? OPEN : ELSEWHERE;
    }
    for (const name of this.#namesOf(frame)) {
      const role = v8RoleOf(name);
      if (role !== null) return FIRST_ROLE + V8_ROLES.indexOf(role);
    }
    return OPEN;
  }
}

const roleOf = (state: number): V8Role | null => V8_ROLES[state - FIRST_ROLE] ?? null;
