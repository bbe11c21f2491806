// SPDX-License-Identifier: MIT
// The tree without frames that the reader does not want to see; what they hold goes to their callers.

import { type StackTree, withTotals } from '../../model/stack-tree.js';
import type { AppFrame } from './app-frame.js';

/** Which frames are left out. */
export interface Hidden {
  readonly node: boolean;
  readonly loading: boolean;
  readonly modules: boolean;
}

const LOADING_FILE =
  /^node:(?:internal\/(?:modules\/|vm(?:\/|$)|main\/run_main_module$|process\/execution$)|module$)/;
const LOADING_NATIVE =
  /^(?:[\w<>*& ]+ )?(?:node::(?:loader|contextify|builtins)::|v8::(?:internal::)?(?:SourceTextModule|ScriptCompiler)::)/;
/** They stand between a file and its require. */
const LOADING_PACKAGE =
  /^(?:tsx|ts-node|jiti|pirates|require-in-the-middle|import-in-the-middle|esbuild-register|@babel\/register|@swc-node\/register)@/;

/** Finding, compiling and running modules, before their own code. */
export function isLoading({ kind, name, file, package: owner }: AppFrame): boolean {
  if (kind === 'native') return LOADING_NATIVE.test(name);
  if (kind === 'builtin') return name.startsWith('AsyncModule');
  return LOADING_FILE.test(file) || LOADING_PACKAGE.test(owner);
}

const isInModules = ({ file }: AppFrame): boolean => /[\\/]node_modules[\\/]/.test(file);

export function hiddenFrames(frames: readonly AppFrame[], hidden: Hidden): Uint8Array {
  return Uint8Array.from(frames, (frame) => {
    if (hidden.node && frame.category === 'node') return 1;
    if (hidden.loading && isLoading(frame)) return 1;
    return hidden.modules && isInModules(frame) ? 1 : 0;
  });
}

/** Nodes of a tree before anybody says how much they hold. */
export interface Nodes {
  readonly parent: Uint32Array;
  readonly frame: Uint32Array;
}

export interface Shape extends Nodes {
  /** Where each node of the full tree is in this one. */
  readonly place: Uint32Array;
}

/** @param standIn has what only hidden frames held, so that the root never holds memory of its own */
export function shapeWithout(nodes: Nodes, hidden: Uint8Array, standIn: number): Shape {
  const size = nodes.parent.length;
  const { visible, adopts } = adoptions(nodes, hidden);
  const parent = new Uint32Array(size + 1);
  const frame = new Uint32Array(size + 1);
  const place = new Uint32Array(size);
  const merged = new Map<number, number>();
  let end = 1;
  const append = (above: number, by: number) => {
    parent[end] = above;
    frame[end] = by;
    return end++;
  };
  for (let node = 1; node < size; node++) {
    const from = visible[nodes.parent[node] as number] as number;
    const above = place[from] as number;
    if (visible[node] !== node) {
      place[node] = above;
      continue;
    }
    const by = nodes.frame[node] as number;
    // Only where children of several nodes come together can there be equal ones.
    if (adopts[from] === 0) place[node] = append(above, by);
    else {
      const key = above * hidden.length + by;
      const known = merged.get(key);
      place[node] = known ?? append(above, by);
      if (known === undefined) merged.set(key, place[node] as number);
    }
  }
  let stand = 0;
  for (let node = 1; node < size; node++) {
    if (place[node] === 0) place[node] = stand ||= append(0, standIn);
  }
  return { parent: parent.subarray(0, end), frame: frame.subarray(0, end), place };
}

/** For each node the nearest that stays, itself included; and below which nodes equal ones may have to merge. */
function adoptions(
  { parent, frame }: Nodes,
  hidden: Uint8Array,
): { visible: Uint32Array; adopts: Uint8Array } {
  const size = parent.length;
  const visible = new Uint32Array(size);
  const adopts = new Uint8Array(size);
  for (let node = 1; node < size; node++) {
    const above = visible[parent[node] as number] as number;
    visible[node] = hidden[frame[node] as number] === 1 ? above : node;
    if (visible[node] === above) adopts[above] = 1;
  }
  const merges = new Uint8Array(size);
  const first = new Map<number, number>();
  for (let node = 1; node < size; node++) {
    const above = visible[parent[node] as number] as number;
    if (visible[node] !== node || adopts[above] === 0) continue;
    const key = above * hidden.length + (frame[node] as number);
    const other = first.get(key);
    if (other === undefined) first.set(key, node);
    else merges[node] = merges[other] = 1;
  }
  // Whatever is below nodes that become one comes together as well.
  const together = new Uint8Array(size);
  for (let node = 1; node < size; node++) {
    if (visible[node] !== node) continue;
    const above = visible[parent[node] as number] as number;
    if (merges[node] === 1 || together[above] === 1) together[node] = adopts[node] = 1;
  }
  return { visible, adopts };
}

/** Without nodes that hold nothing. */
export function withoutEmpty(tree: StackTree): StackTree {
  const { size, parent, frame, totalBytes, totalCount, selfBytes, selfCount } = tree;
  const place = new Uint32Array(size);
  let kept = 1;
  for (let node = 1; node < size; node++) {
    if (totalBytes[node] !== 0 || totalCount[node] !== 0) place[node] = kept++;
  }
  if (kept === size) return tree;
  const smaller = {
    parent: new Uint32Array(kept),
    frame: new Uint32Array(kept),
    bytes: new Float64Array(kept),
    count: new Float64Array(kept),
  };
  for (let node = 1; node < size; node++) {
    const at = place[node] as number;
    if (at === 0) continue;
    smaller.parent[at] = place[parent[node] as number] as number;
    smaller.frame[at] = frame[node] as number;
    smaller.bytes[at] = selfBytes[node] as number;
    smaller.count[at] = selfCount[node] as number;
  }
  return withTotals(smaller.parent, smaller.frame, smaller.bytes, smaller.count);
}
