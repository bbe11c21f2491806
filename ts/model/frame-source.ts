// SPDX-License-Identifier: MIT
// What a capture knows about its stacks and frames, as the model asks for it.

import type {
  FrameInfo,
  FunctionInfo,
  ModuleInfo,
  OriginInfo,
  PackageInfo,
  SymbolInfo,
} from '../format/records.js';

interface Column {
  get(index: number): number;
}

/**
 * Identifiers are the format's. 0 and null stand for what was never defined, as after a torn tail. A node's parent is smaller
 * than the node.
 */
export interface FrameSource {
  readonly stackNodes: Column;
  readonly stackFlags: Column;
  readonly nodeParents: Column;
  readonly nodeFrames: Column;
  readonly origins: ReadonlyMap<number, OriginInfo>;
  /** By path of the file. */
  readonly packages: ReadonlyMap<string, PackageInfo>;
  frame(id: number): FrameInfo | null;
  function(id: number): FunctionInfo | null;
  module(id: number): ModuleInfo | null;
  /** Outermost function first; empty when the address has no name. */
  symbols(module: number, offset: number): readonly SymbolInfo[];
}
