// SPDX-License-Identifier: MIT
// The tree without frames that the reader does not want to see; what they hold goes to their callers.

import { type StackTree, StackTreeBuilder, withTotals } from '../../model/stack-tree.js';
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
  const { parent, frame } = nodes;
  const builder = new StackTreeBuilder(parent.length);
  const place = new Uint32Array(parent.length);
  for (let node = 1; node < parent.length; node++) {
    const above = place[parent[node] as number] as number;
    const by = frame[node] as number;
    place[node] = hidden[by] === 1 ? above : builder.child(above, by);
  }
  for (let node = 1; node < parent.length; node++) {
    if (place[node] === 0) place[node] = builder.child(0, standIn);
  }
  const tree = builder.finish();
  return { parent: tree.parent, frame: tree.frame, place };
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
