// SPDX-License-Identifier: MIT
// What the identifiers of a capture mean (docs/format.md §5). Grows while the capture is read; 0 and identifiers whose
// definition was lost read as "none".

import { FRAME_KIND, THREAD_KINDS } from '../format/constants.js';
import type {
  FrameInfo,
  FrameKindName,
  FunctionInfo,
  ModuleInfo,
  OriginInfo,
  PackageInfo,
  SymbolInfo,
  ThreadInfo,
} from '../format/records.js';
import { IntColumn, NumberColumn } from './int-column.js';
import { COLUMN, Kernel, KernelColumn } from './kernel.js';

export const FRAME_KIND_NAMES = Object.keys(FRAME_KIND) as readonly FrameKindName[];

/** The identifiers that the next definitions get. */
export interface NextIds {
  address: number;
  string: number;
  function: number;
  frame: number;
  node: number;
  stack: number;
}

export const sourceLineKey = (file: string, line: number, column: number): string =>
  `${file}\0${line}\0${column}`;

const NO_SYMBOLS: readonly SymbolInfo[] = [];

export class Tables {
  readonly next: NextIds = { address: 1, string: 1, function: 1, frame: 1, node: 1, stack: 1 };

  readonly nodeFrames: KernelColumn;
  readonly nodeParents: KernelColumn;
  readonly stackNodes: KernelColumn;
  readonly stackFlags: KernelColumn;

  readonly threads = new Map<number, ThreadInfo>();
  /** Every version of a module, in order: a number is used again when the same file is loaded again. */
  readonly modules = new Map<number, ModuleInfo[]>();
  /** By path of the file. */
  readonly packages = new Map<string, PackageInfo>();
  /** Source map comments (`data:` URLs) of scripts whose map is nowhere else, by file. */
  readonly sourceMaps = new Map<string, string>();
  /** Texts by `sourceLineKey`. */
  readonly sourceLines = new Map<string, string>();
  /** By frame. */
  readonly origins = new Map<number, OriginInfo>();
  readonly #symbols = new Map<number, Map<number, SymbolInfo[]>>();

  readonly #kernel: Kernel;
  readonly #strings: string[] = [''];
  readonly #functionColumns = [0, 1, 2, 3, 4].map(() => new IntColumn());
  readonly #frameKinds = new IntColumn();
  /** module, function or label */
  readonly #frameTargets = new IntColumn();
  readonly #frameOffsets = new NumberColumn();
  readonly #frameLines = new IntColumn();
  readonly #frameColumns = new IntColumn();

  constructor(kernel = new Kernel()) {
    this.#kernel = kernel;
    this.nodeFrames = new KernelColumn(kernel, COLUMN.nodes, 0);
    this.nodeParents = new KernelColumn(kernel, COLUMN.nodes, 1);
    this.stackNodes = new KernelColumn(kernel, COLUMN.stacks, 0);
    this.stackFlags = new KernelColumn(kernel, COLUMN.stacks, 1);
  }

  /** Number of stacks, stack 0 included; likewise below. */
  get stackCount(): number {
    return this.next.stack;
  }
  get nodeCount(): number {
    return this.next.node;
  }
  get frameCount(): number {
    return this.next.frame;
  }
  get stringCount(): number {
    return this.next.string;
  }
  get functionCount(): number {
    return this.next.function;
  }

  string(id: number): string {
    return this.#strings[id] ?? '';
  }

  function(id: number): FunctionInfo | null {
    if (id <= 0 || id >= this.next.function) return null;
    const [name, file, line, column, scriptId] = this.#functionColumns.map((c) => c.get(id));
    return {
      name: this.string(name ?? 0),
      file: this.string(file ?? 0),
      line: line ?? 0,
      column: column ?? 0,
      scriptId: scriptId ?? 0,
    };
  }

  frame(id: number): FrameInfo | null {
    if (id <= 0 || id >= this.next.frame) return null;
    const stored = this.#frameKinds.get(id);
    if (stored === 0) return null; // lost, or of a later version's kind
    const kind = FRAME_KIND_NAMES[stored - 1] as FrameKindName;
    const target = this.#frameTargets.get(id);
    switch (kind) {
      case 'native':
        return { kind, module: target, offset: this.#frameOffsets.get(id) };
      case 'builtin':
        return { kind, function: target };
      case 'label':
        return { kind, label: this.string(target) };
      default: {
        const line = this.#frameLines.get(id);
        return { kind, function: target, line, column: this.#frameColumns.get(id) };
      }
    }
  }

  /** Frames of a stack, leaf first (F-12). */
  stackFrames(stack: number): number[] {
    const frames: number[] = [];
    // A parent is smaller than its node, so this ends.
    for (let node = this.stackNodes.get(stack); node > 0; node = this.nodeParents.get(node)) {
      frames.push(this.nodeFrames.get(node));
    }
    return frames;
  }

  /** The version of a module that was loaded at `timeNs`, else the latest. */
  module(id: number, timeNs = Number.POSITIVE_INFINITY): ModuleInfo | null {
    const versions = this.modules.get(id) ?? [];
    return versions.findLast((version) => version.loadedNs <= timeNs) ?? versions[0] ?? null;
  }

  /** What a finalizer recorded for an offset of a module: the outermost function first, then those inlined into it. */
  symbols(module: number, offset: number): readonly SymbolInfo[] {
    return this.#symbols.get(module)?.get(offset) ?? NO_SYMBOLS;
  }

  // --- What the decoder calls. ---

  addString(text: string): number {
    const id = this.next.string++;
    // Lost definitions leave gaps; pushing keeps the array dense where an index far beyond its end would not.
    while (this.#strings.length < id) this.#strings.push('');
    this.#strings.push(text);
    return id;
  }

  addFunction(fields: readonly [number, number, number, number, number]): number {
    const id = this.next.function++;
    for (let i = 0; i < 5; i++) this.#functionColumns[i]?.set(id, fields[i] as number);
    return id;
  }

  addFrame(
    kind: number | null,
    target: number,
    offset: number,
    line: number,
    column: number,
  ): number {
    const id = this.next.frame++;
    this.#frameKinds.set(id, kind === null ? 0 : kind + 1);
    this.#frameTargets.set(id, target);
    if (offset > 0) this.#frameOffsets.set(id, offset);
    if (line > 0) this.#frameLines.set(id, line);
    if (column > 0) this.#frameColumns.set(id, column);
    return id;
  }

  addNode(parent: number, frame: number): number {
    const id = this.#kernel.addNode(parent, frame);
    this.next.node = id + 1;
    return id;
  }

  addStack(node: number, flags: number): number {
    const id = this.#kernel.addStack(node, flags);
    this.next.stack = id + 1;
    return id;
  }

  setModule(info: Omit<ModuleInfo, 'loadedNs' | 'unloadedNs'>, loaded: boolean, timeNs: number) {
    const versions = this.modules.get(info.module) ?? [];
    this.modules.set(info.module, versions);
    const last = versions.at(-1);
    if (loaded) {
      versions.push({ ...info, loadedNs: timeNs, unloadedNs: null });
    } else if (last?.unloadedNs === null) {
      versions[versions.length - 1] = { ...last, unloadedNs: timeNs };
    } else {
      versions.push({ ...info, loadedNs: 0, unloadedNs: timeNs }); // its load was lost
    }
  }

  setThread(thread: number, change: Partial<ThreadInfo>): void {
    const known = this.threads.get(thread) ?? {
      thread,
      kind: THREAD_KINDS[0],
      name: '',
      osTid: 0,
      workerId: 0,
      startNs: 0,
      endNs: null,
    };
    this.threads.set(thread, { ...known, ...change });
  }

  addSymbol(module: number, offset: number, symbol: SymbolInfo): void {
    const offsets = this.#symbols.get(module) ?? new Map<number, SymbolInfo[]>();
    this.#symbols.set(module, offsets);
    const symbols = offsets.get(offset) ?? [];
    offsets.set(offset, symbols);
    const index = symbols.findIndex((known) => known.inlined >= symbol.inlined);
    const replaces = symbols[index]?.inlined === symbol.inlined;
    symbols.splice(index < 0 ? symbols.length : index, replaces ? 1 : 0, symbol);
  }
}
