// SPDX-License-Identifier: MIT
// What was read of a capture, or of the captures of several processes, and the reports on all of it together.

import type { PeakAggregator } from '../aggregate/peak.js';
import type { TimelineAggregator } from '../aggregate/timeline.js';
import type { TotalsAggregator } from '../aggregate/totals.js';
import type { NamedStacks } from '../model/named-stacks.js';
import type { Profile } from '../model/profile.js';
import type { ExportInput } from '../report/export/input.js';
import { type FlamegraphInput, flamegraphReport } from '../report/flamegraph.js';
import type { FlamegraphReport } from '../report/flamegraph-report.js';
import { jsHeapsTogether } from '../report/js-heap.js';
import type { JsHeapReport } from '../report/js-heap-report.js';
import { inOrder, Processes, type ReadProcess } from '../report/processes.js';
import type { StatsInput, StatsOptions } from '../report/stats.js';
import type { StatsReport } from '../report/stats-report.js';
import { statsTogether } from '../report/stats-together.js';
import { type SummaryOptions, type SummaryReport, summaryReport } from '../report/summary.js';
import { type TableReport, tableReport } from '../report/table.js';
import { threadText } from '../report/thread-text.js';
import { milliseconds, type TimelineReport, timelineReport } from '../report/timeline.js';
import { timelineTogether } from '../report/timeline-together.js';
import { type TreeOptions, type TreeReport, treeReport } from '../report/tree.js';

/** Of the whole run, whatever the profile is. */
export interface Measures {
  readonly peak: PeakAggregator;
  readonly totals: TotalsAggregator;
  readonly timelines: TimelineAggregator;
}

/** A capture that was read. */
export interface ReadCapture {
  readonly pass: ReadProcess;
  readonly profile: Profile;
  readonly jsHeap?: JsHeapReport;
  /** For reports that show statistics. */
  readonly measures?: Measures;
}

export interface RecordingOptions {
  /** Of each line of memory over time, at most. */
  readonly points?: number;
}

type FlamegraphOptions = Pick<FlamegraphInput, 'slices' | 'title' | 'sourceLines'> & {
  /** Each thread below a frame of its own. */
  readonly splitThreads?: boolean;
};

export class Recording {
  readonly processes: Processes;
  /** What is asked for: the peak, each process's at its own moment; leaks or temporary allocations. */
  readonly profile: Profile;
  readonly jsHeap: JsHeapReport | undefined;
  readonly #captures: readonly ReadCapture[];
  readonly #options: RecordingOptions;
  #timeline: TimelineReport | undefined;

  /** @param captures at least one */
  constructor(captures: readonly ReadCapture[], options: RecordingOptions = {}) {
    const read = inOrder(captures.map((capture) => ({ ...capture, end: capture.pass.end })));
    this.#captures = read;
    this.#options = options;
    this.processes = new Processes(read.map(({ pass }) => pass));
    const { names } = this.processes;
    this.profile = this.processes.profile(read.map(({ profile }) => profile));
    this.jsHeap = jsHeapsTogether(
      read.flatMap(({ jsHeap }) => (jsHeap === undefined ? [] : [jsHeap])),
      names,
    );
  }

  get stacks(): NamedStacks {
    return this.processes.stacks;
  }

  /** The sum of each process's own. */
  get peakBytes(): number {
    return this.#inputs().reduce((sum, { peak }) => sum + peak.peakBytes, 0);
  }

  get timeline(): TimelineReport {
    this.#timeline ??= this.#timelineTogether(this.#inputs());
    return this.#timeline;
  }

  stats(options: StatsOptions = {}): StatsReport {
    return statsTogether(this.processes, this.#inputs(), this.timeline, options);
  }

  flamegraph({ splitThreads, ...options }: FlamegraphOptions = {}): FlamegraphReport {
    return flamegraphReport({
      ...options,
      ...this.#shown(),
      stats: this.stats(),
      timeline: this.timeline,
      ...(splitThreads && { threadName: this.threadName }),
    });
  }

  table(options: { readonly splitThreads?: boolean } = {}): TableReport {
    const { splitThreads = false } = options;
    const { stats, timeline } = { stats: this.stats(), timeline: this.timeline };
    return tableReport({ ...this.#shown(), stats, timeline, splitThreads });
  }

  summary(options: Omit<SummaryOptions, 'jsHeap' | 'processes'> = {}): SummaryReport {
    const { names } = this.processes;
    const { jsHeap } = this;
    const about = { processes: names, ...(jsHeap && { jsHeap }) };
    return summaryReport(this.profile, this.stacks, { ...options, ...about });
  }

  tree(options: Omit<TreeOptions, 'processes'> = {}): TreeReport {
    return treeReport(this.profile, this.stacks, { ...options, processes: this.processes.names });
  }

  exportInput(): ExportInput {
    const { processes, profile, stacks } = this;
    const inputs = this.#inputs();
    const { threads, ends, offsetsNs } = processes;
    const starts = ends.map(({ header }) => header.startUnixNs);
    return {
      profile,
      allocated: processes.profile(inputs.map(({ totals }) => totals.allocated())),
      stacks,
      threads,
      times: inputs.map(({ end, peak }, i) => ({
        timeline: this.#measures(i).timelines,
        threads: end.tables.threads,
        pid: end.metadata.pid ?? end.header.pid,
        command: (end.metadata.command ?? []).join(' '),
        peak: { timeNs: peak.peakTimeNs, bytes: peak.peakBytes },
        offsetNs: offsetsNs[i] ?? 0,
      })),
      stats: this.stats(),
      startUnixNs: starts.reduce((first, start) => (start < first ? start : first)),
    };
  }

  readonly threadName = (thread: number): string =>
    threadText(thread, this.processes.threads.get(thread));

  #shown() {
    const { profile, stacks, jsHeap } = this;
    const { threads, names: processes } = this.processes;
    return { profile, stacks, threads, processes, ...(jsHeap && { jsHeap }) };
  }

  #measures(at: number): Measures {
    const measures = this.#captures[at]?.measures;
    if (measures === undefined) throw new Error('the capture was read without statistics');
    return measures;
  }

  #inputs(): StatsInput[] {
    return this.#captures.map(({ pass }, i) => {
      const { peak, totals, timelines } = this.#measures(i);
      const { threads } = pass.end.tables;
      const moment = { timeNs: peak.peakTimeNs, bytes: peak.peakBytes };
      const timeline = timelineReport({ timeline: timelines, peak: moment, threads });
      return { end: pass.end, stacks: pass.stacks, peak, totals, timeline };
    });
  }

  #timelineTogether(inputs: readonly StatsInput[]): TimelineReport {
    const [only, ...others] = inputs;
    if (only !== undefined && others.length === 0) return only.timeline;
    const { names, offsetsNs } = this.processes;
    const each = inputs.map(({ timeline, end }, i) => ({
      timeline,
      offsetMs: milliseconds(offsetsNs[i] ?? 0),
      endMs: milliseconds(end.trailer?.durationNs ?? end.endTimeNs),
      tag: names[i]?.tag ?? '',
    }));
    return timelineTogether(each, this.#options.points);
  }
}
