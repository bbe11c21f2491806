// SPDX-License-Identifier: MIT
// What the graph and the table show for a state: how much of the memory, in which shape. Made when first asked for.

import { type FrameCategory, ROOT_FRAME } from '../../model/frame.js';
import { frameTotals } from '../../model/frame-totals.js';
import { inverted } from '../../model/inverted.js';
import { type StackTree, withTotals } from '../../model/stack-tree.js';
import { answeringNodes } from './answering.js';
import { type AppFrame, appFrame } from './app-frame.js';
import { type Filter, isFiltering, owningPackages, threadChoices } from './filters.js';
import { type Layout, layOut } from './layout.js';
import type { Amounts, PageMemory } from './page-memory.js';
import {
  type Hidden,
  hiddenFrames,
  type Nodes,
  type Shape,
  shapeWithout,
  withoutEmpty,
} from './shapes.js';

/** Everything that decides what is drawn. */
export interface Selection extends Filter {
  readonly inverted: boolean;
  readonly hidden: Hidden;
  /** Slices; all of them unless given. */
  readonly from?: number;
  readonly to?: number;
}

export interface TreeSource {
  readonly nodes: Nodes;
  readonly frames: readonly AppFrame[];
  readonly memory: PageMemory;
  readonly isDifference: boolean;
  readonly groups: readonly (readonly [thread: number, allocator: number])[];
  readonly processes: readonly string[];
  readonly threads: Parameters<typeof threadChoices>[0];
  readonly allocators: readonly string[];
}

/** A line of the table view. */
export interface FrameSum {
  readonly frame: AppFrame;
  readonly totalBytes: number;
  /** What this line answers for: see `answeringNodes`. */
  readonly ownBytes: number;
  readonly count: number;
  /** In a comparison: bytes in each capture. */
  readonly difference?: { readonly before: number; readonly after: number };
}

export type Shown = Pick<Layout, 'tree' | 'difference'>;

export interface Choice {
  readonly name: string;
  readonly bytes: number;
}

/** Layouts are kept for as many states as a reader goes to and fro between. */
const KEPT_LAYOUTS = 6;

export class Trees {
  readonly frames: readonly AppFrame[];
  readonly #source: TreeSource;
  readonly #standIn: number;
  readonly #shapes = new Map<string, Shape>();
  readonly #layouts = new Map<string, Layout>();
  readonly #threads: Map<string, ReadonlySet<number>>;
  #answering: Uint32Array | undefined;
  #packages: ReturnType<typeof owningPackages> | undefined;

  constructor(source: TreeSource) {
    const standIn = appFrame({ ...ROOT_FRAME, name: '(hidden frames)' });
    this.#source = source;
    this.frames = [...source.frames, { ...standIn, category: 'node' }];
    this.#standIn = this.frames.length - 1;
    this.#threads = threadChoices(source.threads);
  }

  layout(selection: Selection): Layout {
    const key = JSON.stringify(selection);
    let layout = this.#layouts.get(key);
    this.#layouts.delete(key);
    if (layout === undefined) {
      const { tree, difference } = this.shown(selection);
      layout = layOut(tree, this.frames, difference);
    }
    this.#layouts.set(key, layout);
    for (const [oldest] of this.#layouts) {
      if (this.#layouts.size <= KEPT_LAYOUTS) break;
      this.#layouts.delete(oldest);
    }
    return layout;
  }

  /** Bytes in a range of time, whatever is filtered. */
  totalBytes({ from, to }: Pick<Selection, 'from' | 'to'>): number {
    return this.#amounts(from, to).bytes.reduce((sum, bytes) => sum + bytes, 0);
  }

  sums(selection: Selection): FrameSum[] {
    const [tree, before] = this.#trees(selection);
    const beforeTotals = before && frameTotals(before, this.frames.length);
    const totals = frameTotals(tree, this.frames.length);
    const answering = answeringNodes(tree, this.frames);
    const own = new Float64Array(this.frames.length);
    for (let node = 0; node < tree.size; node++) {
      const frame = tree.frame[answering[node] as number] as number;
      own[frame] = (own[frame] as number) + (tree.selfBytes[node] as number);
    }
    const sums = this.frames.map((frame, id) => ({
      frame,
      totalBytes: totals.bytes[id] as number,
      ownBytes: own[id] as number,
      count: totals.count[id] as number,
      ...(beforeTotals && {
        difference: {
          before: beforeTotals.count[id] as number,
          after: totals.count[id] as number,
        },
      }),
    }));
    return sums.filter((sum, id) => id !== 0 && (sum.totalBytes > 0 || sum.count > 0));
  }

  /** What can be chosen, with what it holds when nothing else is filtered; of packages the largest first. */
  choices(selection: Pick<Selection, 'from' | 'to'>): Record<keyof Filter, Choice[]> {
    const { bytes } = this.#amounts(selection.from, selection.to);
    const { groups, processes, threads, allocators, memory } = this.#source;
    const { names, owner } = this.#owners();
    const byProcess = new Map<number, number>();
    const byThread = new Map<number, number>();
    const byAllocator = new Map<number, number>();
    const byPackage = new Map<number, number>();
    const add = (sums: Map<number, number>, id: number, more: number) =>
      sums.set(id, (sums.get(id) ?? 0) + more);
    for (let place = 0; place < bytes.length; place++) {
      const more = bytes[place] as number;
      const [thread = 0, allocator = 0] = groups[memory.group[place] as number] ?? [];
      add(byProcess, threads[thread]?.[2] ?? -1, more);
      add(byThread, thread, more);
      add(byAllocator, allocator, more);
      add(byPackage, owner[memory.node[place] as number] as number, more);
    }
    const largestFirst = (a: Choice, b: Choice) => b.bytes - a.bytes;
    const named = (sums: Map<number, number>, list: readonly string[]) =>
      Array.from(sums, ([id, held]) => ({ name: list[id] ?? '', bytes: held }))
        .filter((choice) => choice.bytes > 0)
        .sort(largestFirst);
    return {
      process: processes.length === 0 ? [] : named(byProcess, processes),
      thread: Array.from(this.#threads, ([name, ids]) => ({
        name,
        bytes: [...ids].reduce((sum, id) => sum + (byThread.get(id) ?? 0), 0),
      })),
      allocator: named(byAllocator, allocators),
      package: named(byPackage, names),
    };
  }

  /** What is drawn, before it has its place. */
  shown(selection: Selection): Shown {
    const [shown, shownBefore] = this.#trees(selection);
    const shaped = (tree: StackTree) => (selection.inverted ? inverted(tree) : tree);
    const tree = shaped(shown);
    if (shownBefore === undefined) return { tree, difference: undefined };
    const before = shaped(shownBefore).totalCount;
    return { tree, difference: { before, after: tree.totalCount } };
  }

  /** In a comparison two of the same nodes: bytes are widths, counts the bytes after and the bytes before. */
  #trees(selection: Selection): [StackTree, StackTree?] {
    const { memory, isDifference } = this.#source;
    const { parent, frame, place } = this.#shape(selection.hidden);
    const { bytes, count } = this.#amounts(selection.from, selection.to);
    const accepts = this.#acceptance(selection);
    const self = new Float64Array(parent.length);
    const selfCount = new Float64Array(parent.length);
    const add = (sums: Float64Array, node: number, more: number) => {
      sums[node] = (sums[node] as number) + more;
    };
    const selfBefore = new Float64Array(isDifference ? parent.length : 0);
    for (let at = 0; at < bytes.length; at++) {
      if (accepts !== undefined && !accepts(at)) continue;
      const node = place[memory.node[at] as number] as number;
      const [held, blocks] = [bytes[at] as number, count[at] as number];
      add(self, node, isDifference ? Math.max(held, blocks) : held);
      add(selfCount, node, blocks);
      if (isDifference) add(selfBefore, node, held);
    }
    const tree = withTotals(parent, frame, self, selfCount);
    if (!isDifference) return [withoutEmpty(tree)];
    return [tree, withTotals(parent, frame, self, selfBefore)];
  }

  /** What each kind of code asked for, native code on its behalf included, whatever the shape hides. */
  categories(selection: Selection): Map<FrameCategory, number> {
    const { nodes, memory } = this.#source;
    this.#answering ??= answeringNodes(nodes, this.frames);
    const { bytes } = this.#amounts(selection.from, selection.to);
    const accepts = this.#acceptance(selection);
    const sums = new Map<FrameCategory, number>();
    for (let place = 0; place < bytes.length; place++) {
      if (accepts !== undefined && !accepts(place)) continue;
      const answering = this.#answering[memory.node[place] as number] as number;
      const category = this.frames[nodes.frame[answering] as number]?.category ?? 'native';
      sums.set(category, (sums.get(category) ?? 0) + (bytes[place] as number));
    }
    return sums;
  }

  #amounts(from = 0, to = Number.POSITIVE_INFINITY): Amounts {
    return this.#source.memory.between(from, to);
  }

  #acceptance(filter: Filter): ((place: number) => boolean) | undefined {
    if (!isFiltering(filter)) return undefined;
    const { memory, groups, processes, allocators } = this.#source;
    const threads = this.#threads.get(filter.thread);
    const processOf = (thread: number) => this.#source.threads[thread]?.[2] ?? -1;
    const byGroup = groups.map(
      ([thread, allocator]) =>
        (filter.process === '' || processes[processOf(thread)] === filter.process) &&
        (filter.thread === '' || threads?.has(thread) === true) &&
        (filter.allocator === '' || allocators[allocator] === filter.allocator),
    );
    const { names, owner } = this.#owners();
    const wanted = names.indexOf(filter.package);
    return (place) =>
      byGroup[memory.group[place] as number] === true &&
      (filter.package === '' || owner[memory.node[place] as number] === wanted);
  }

  #owners(): ReturnType<typeof owningPackages> {
    this.#packages ??= owningPackages(this.#source.nodes, this.#source.frames);
    return this.#packages;
  }

  #shape(hidden: Hidden): Shape {
    const key = JSON.stringify(hidden);
    let shape = this.#shapes.get(key);
    if (shape === undefined) {
      const { nodes } = this.#source;
      shape = shapeWithout(nodes, hiddenFrames(this.frames, hidden), this.#standIn);
      this.#shapes.set(key, shape);
    }
    return shape;
  }
}
