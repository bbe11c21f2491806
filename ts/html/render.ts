// SPDX-License-Identifier: MIT
// A flame graph report as one HTML file that needs nothing else and fetches nothing.

import type { ProfileKind } from '../model/profile.js';
import { type StackTree, withTotals } from '../model/stack-tree.js';
import type { FlamegraphReport, TreeColumns } from '../report/flamegraph-report.js';
import { flamegraphMarkup, flamegraphScript } from './app-bundle.js';
import { comparedTree } from './difference.js';
import { foldSmallFrames } from './fold.js';
import { headingOf, htmlPage, MAX_PAGE_BYTES, smallEnough } from './html-page.js';
import {
  coarser,
  type Group,
  type LeakMemory,
  type Memory,
  memoryOf,
  mostBytes,
  type PeakMemory,
  packMemory,
} from './memory.js';
import { type Folded, type PageData, type PageSlices, packFrames } from './page-data.js';
import { encodeNodes } from './tree-codec.js';

/** With fewer slices frames are folded instead. */
const MIN_SLICES = 100;

export interface RenderOptions {
  /** The smallest frames are folded until the page is at most this large. */
  readonly maxBytes?: number;
  /** Show allocating frames first, callers below them, until the reader turns it round. */
  readonly inverted?: boolean;
}

export interface RenderedPage {
  readonly html: string;
  readonly folded: Folded;
}

export function renderFlamegraph(
  report: FlamegraphReport,
  options: RenderOptions = {},
): RenderedPage {
  const maxBytes = options.maxBytes ?? MAX_PAGE_BYTES;
  const renderer = new Renderer(report, options.inverted ?? false);
  // Short slices first: a range can be told less exactly, but what is shown of it stays exact.
  while (renderer.canBeCoarser && Buffer.byteLength(renderer.render().html) > maxBytes) {
    renderer.makeCoarser();
  }
  return smallEnough(maxBytes, renderer.size, (keep) => renderer.render(keep));
}

class Renderer {
  readonly #report: FlamegraphReport;
  readonly #tree: StackTree;
  readonly #groups: Group[];
  readonly #inverted: boolean;
  #memory: Memory;

  constructor(report: FlamegraphReport, inverted: boolean) {
    this.#report = report;
    this.#tree = treeOf(report.tree);
    this.#inverted = inverted;
    const { memory, groups } = memoryOf(report);
    this.#memory = memory;
    this.#groups = groups;
  }

  get size(): number {
    return this.#tree.size;
  }

  get canBeCoarser(): boolean {
    return this.#memory.kind !== 'held' && this.#memory.edgesMs.length > MIN_SLICES * 2;
  }

  makeCoarser(): void {
    if (this.#memory.kind !== 'held') this.#memory = coarser(this.#memory);
  }

  /** @param keep how many frames are not folded */
  render(keep = this.#tree.size): RenderedPage {
    const report = this.#report;
    const fold = foldSmallFrames(this.#tree, report.frames, keep, this.#weights());
    const { strings, rows } = packFrames(fold.frames);
    const data: PageData = {
      title: report.title,
      kind: report.kind,
      strings,
      frames: rows,
      nodes: fold.tree.size,
      tree: encodeNodes(fold.tree),
      memory: packMemory(this.#memory, fold.place),
      groups: this.#groups,
      processes: report.processes ?? [],
      threads: (report.threads ?? []).map(({ name, kind, process }) => [
        name,
        kind,
        report.processes?.indexOf(process ?? '') ?? -1,
      ]),
      allocators: report.allocators ?? [],
      ...(this.#memory.kind !== 'held' && { slices: pageSlices(this.#memory) }),
      isDifference: report.tree.self_bytes_before !== undefined,
      inverted: this.#inverted,
      folded: fold.folded,
      timeline: report.timeline,
      stats: report.stats,
    };
    return { html: page(report, data), folded: fold.folded };
  }

  #weights(): Float64Array {
    // A comparison shows the larger side of each node.
    if (this.#memory.kind === 'held') return this.#tree.totalBytes;
    const { parent, frame, selfCount, size } = this.#tree;
    return withTotals(parent, frame, mostBytes(this.#memory, size), selfCount).totalBytes;
  }
}

function pageSlices(memory: PeakMemory | LeakMemory): PageSlices {
  const { edgesMs, exitEdge } = memory;
  const isPeak = memory.kind === 'peak';
  const [peakBytes, peakMs] = isPeak ? [memory.peakBytes, memory.peakMs] : [[], []];
  return { edgesMs, exitEdge, peakBytes, peakMs };
}

function treeOf(columns: TreeColumns): StackTree {
  const parent = Uint32Array.from(columns.parent);
  const frame = Uint32Array.from(columns.frame);
  const bytes = Float64Array.from(columns.self_bytes);
  const before = columns.self_bytes_before;
  if (before !== undefined) return comparedTree(parent, frame, Float64Array.from(before), bytes);
  return withTotals(parent, frame, bytes, Float64Array.from(columns.self_count));
}

function page(report: FlamegraphReport, data: PageData): string {
  const single = headingOf(report);
  const heading = data.isDifference
    ? {
        heading: `${single.heading}, compared`,
        moment: `${single.moment}, in whichever of the two captures it was more,`,
      }
    : data.slices
      ? temporalHeading(report.kind)
      : single;
  return htmlPage({
    ...heading,
    title: report.title,
    command: report.stats.metadata.command_line,
    markup: flamegraphMarkup,
    script: flamegraphScript,
    data,
  });
}

function temporalHeading(kind: ProfileKind): { heading: string; moment: string } {
  return kind === 'leaked'
    ? {
        heading: 'Memory kept over time',
        moment: 'at the end of the chosen range of time and was allocated in it',
      }
    : {
        heading: 'Heap over time',
        moment: 'when the heap was largest in the chosen range of time',
      };
}
