// SPDX-License-Identifier: MIT
// A capture as an object that is asked for what is wanted: each answer costs a pass over the file, and nothing else is read.

import { PeakAggregator } from '../aggregate/peak.js';
import { TemporaryAggregator } from '../aggregate/temporary.js';
import { TimelineAggregator } from '../aggregate/timeline.js';
import { TotalsAggregator } from '../aggregate/totals.js';
import { FormatError } from '../decode/format-error.js';
import type { Profile } from '../model/profile.js';
import { flamegraphReport } from '../report/flamegraph.js';
import type { FlamegraphReport } from '../report/flamegraph-report.js';
import { type StatsInput, statsReport } from '../report/stats.js';
import type { StatsReport } from '../report/stats-report.js';
import { type SummaryOptions, type SummaryReport, summaryReport } from '../report/summary.js';
import { timelineReport } from '../report/timeline.js';
import { UsageError } from '../tracker/usage-error.js';
import { CaptureFile, readMetadata } from './capture-file.js';
import { MemoryProfile } from './memory-profile.js';
import { type CaptureMetadata, type CaptureOutcome, captureOutcome } from './metadata.js';
import type { Pass } from './pass.js';
import { type Answer, Passes } from './passes.js';
import type { RecordBatch } from './record-batch.js';
import { recordBatches } from './record-stream.js';
import { CaptureStacks } from './stacks.js';
import { captureTimeline, type Timeline } from './timeline.js';

/** Which blocks a report is about. */
export interface ProfileSelection {
  /** `peak` unless given. */
  readonly kind?: 'peak' | 'leaked' | 'temporary' | 'allocated';
  /** Of `temporary`: freed after at most so many further allocations of the thread. 1 unless given. */
  readonly threshold?: number;
}

export class Capture {
  readonly path: string;
  readonly metadata: CaptureMetadata;
  readonly #file: CaptureFile;
  readonly #passes: Passes;
  readonly #stacks = new WeakMap<Pass, CaptureStacks>();

  private constructor(file: CaptureFile, metadata: CaptureMetadata) {
    this.path = file.path;
    this.metadata = metadata;
    this.#file = file;
    this.#passes = new Passes(file);
  }

  /** @internal */
  static async open(path: string): Promise<Capture> {
    if (typeof path !== 'string') throw new UsageError('openCapture needs the path of a capture');
    const file = await CaptureFile.open(path);
    try {
      return new Capture(file, await readMetadata(file));
    } catch (error) {
      await file.close();
      // The file system names no file in errors of reading.
      const named = error instanceof FormatError || (error as NodeJS.ErrnoException).code;
      throw named ? Object.assign(error as Error, { path }) : error;
    }
  }

  /** How recording ended and how much of it is here. */
  async end(): Promise<CaptureOutcome> {
    return captureOutcome((await this.#passes.any()).end);
  }

  /** All records in order, in batches. Leave the loop whenever you like. */
  records(): AsyncGenerator<RecordBatch, void, undefined> {
    this.#file.check();
    return recordBatches(this.#file);
  }

  /** The capture's stacks by number. */
  async stacks(): Promise<CaptureStacks> {
    return this.#stacksOf(await this.#passes.any());
  }

  /** What was live when the heap was largest. */
  peak(): Promise<MemoryProfile> {
    return this.profile({ kind: 'peak' });
  }

  /** What was live when the program exited, or else at the end. */
  leaked(): Promise<MemoryProfile> {
    return this.profile({ kind: 'leaked' });
  }

  /** What was freed after at most `threshold` further allocations of the thread that made it. */
  temporary(threshold = 1): Promise<MemoryProfile> {
    return this.profile({ kind: 'temporary', threshold });
  }

  /** Everything that was ever allocated. */
  allocated(): Promise<MemoryProfile> {
    return this.profile({ kind: 'allocated' });
  }

  async profile(selection: ProfileSelection = {}): Promise<MemoryProfile> {
    const { profile, timeNs, pass } = await this.#profile(selection);
    return new MemoryProfile(profile, timeNs, this.#stacksOf(pass));
  }

  /** Memory over time. */
  async timeline(): Promise<Timeline> {
    return captureTimeline((await this.#timeline()).consumer);
  }

  /** What `memtape stats --json` prints. */
  async stats(options: { readonly top?: number } = {}): Promise<StatsReport> {
    return statsReport(await this.#statsInput(), options);
  }

  /** What `memtape summary --json` prints. */
  async summary(options: ProfileSelection & SummaryOptions = {}): Promise<SummaryReport> {
    const { profile, pass } = await this.#profile(options);
    return summaryReport(profile, pass.stacks, options);
  }

  /** What the page of `memtape flamegraph` shows; `renderFlamegraph` makes the page. */
  async flamegraph(
    options: ProfileSelection & { readonly title?: string } = {},
  ): Promise<FlamegraphReport> {
    const [{ profile, pass }, input] = await Promise.all([
      this.#profile(options),
      this.#statsInput(),
    ]);
    return flamegraphReport({
      profile,
      stacks: pass.stacks,
      stats: statsReport(input),
      timeline: input.timeline,
      ...(options.title !== undefined && { title: options.title }),
    });
  }

  /** Closes the file. Answers that were given stay valid; what is being read fails. */
  close(): Promise<void> {
    return this.#file.close();
  }

  [Symbol.dispose](): void {
    void this.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #profile({ kind = 'peak', threshold = 1 }: ProfileSelection): Promise<{
    readonly profile: Profile;
    readonly timeNs: number;
    readonly pass: Pass;
  }> {
    if (kind === 'temporary') {
      const { consumer, pass } = await this.#temporary(threshold);
      return { profile: consumer.temporary(), timeNs: pass.end.endTimeNs, pass };
    }
    if (kind === 'allocated') {
      const { consumer, pass } = await this.#totals();
      return { profile: consumer.allocated(), timeNs: pass.end.endTimeNs, pass };
    }
    const { consumer, pass } = await this.#peak();
    return kind === 'leaked'
      ? { profile: consumer.leaked(), timeNs: consumer.exitTimeNs ?? pass.end.endTimeNs, pass }
      : { profile: consumer.peak(), timeNs: consumer.peakTimeNs, pass };
  }

  async #statsInput(): Promise<StatsInput> {
    const [{ consumer: peak, pass }, { consumer: totals }, { consumer: timelines }] =
      await Promise.all([this.#peak(), this.#totals(), this.#timeline()]);
    const { end, stacks } = pass;
    const timeline = timelineReport({
      timeline: timelines,
      peak: { timeNs: peak.peakTimeNs, bytes: peak.peakBytes },
      threads: end.tables.threads,
    });
    return { end, stacks, peak, totals, timeline };
  }

  #peak(): Promise<Answer<PeakAggregator>> {
    return this.#passes.ask('peak', () => new PeakAggregator());
  }

  #totals(): Promise<Answer<TotalsAggregator>> {
    return this.#passes.ask('totals', () => new TotalsAggregator());
  }

  #timeline(): Promise<Answer<TimelineAggregator>> {
    return this.#passes.ask('timeline', () => new TimelineAggregator());
  }

  #temporary(threshold: number): Promise<Answer<TemporaryAggregator>> {
    if (!Number.isInteger(threshold) || threshold < 0) {
      throw new UsageError(`threshold ${threshold} is no number of allocations`, '0, 1, 2, …');
    }
    return this.#passes.ask(`temporary ${threshold}`, () => new TemporaryAggregator(threshold));
  }

  #stacksOf(pass: Pass): CaptureStacks {
    let stacks = this.#stacks.get(pass);
    if (stacks === undefined) {
      stacks = new CaptureStacks(pass);
      this.#stacks.set(pass, stacks);
    }
    return stacks;
  }
}
