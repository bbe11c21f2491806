// SPDX-License-Identifier: MIT
// A capture as an object that is asked for what is wanted: each answer costs a pass over the file, and nothing else is read.

import { GrowthAggregator, type Moment } from '../aggregate/growth.js';
import { JsHeapAggregator } from '../aggregate/js-heap.js';
import { PeakAggregator } from '../aggregate/peak.js';
import { type LeakSlices, SliceLeaks } from '../aggregate/slice-leaks.js';
import { type PeakSlices, SlicePeaks } from '../aggregate/slice-peaks.js';
import { TemporaryAggregator } from '../aggregate/temporary.js';
import { TimelineAggregator } from '../aggregate/timeline.js';
import { TotalsAggregator } from '../aggregate/totals.js';
import { FormatError } from '../decode/format-error.js';
import type { JsHeapMoment, Profile } from '../model/profile.js';
import { type DiffOptions, type DiffReport, type DiffSide, diffReport } from '../report/diff.js';
import type { FlamegraphReport } from '../report/flamegraph-report.js';
import { jsHeapView } from '../report/js-heap.js';
import type { JsHeapReport } from '../report/js-heap-report.js';
import { type LeaksOptions, type LeaksReport, leaksReport } from '../report/leaks.js';
import type { RssReport } from '../report/rss-report.js';
import { UsageError } from '../tracker/usage-error.js';
import { CaptureFile, readMetadata } from './capture-file.js';
import { checkRange } from './growth-range.js';
import { MemoryProfile } from './memory-profile.js';
import { type CaptureMetadata, type CaptureOutcome, captureOutcome } from './metadata.js';
import { type Pass, readPass } from './pass.js';
import { type Answer, Passes } from './passes.js';
import type { RecordBatch } from './record-batch.js';
import { recordBatches } from './record-stream.js';
import { type Measures, type ReadCapture, Recording } from './recording.js';
import {
  type FlamegraphSelection,
  flamegraphOf,
  type ProfileSelection,
  Reports,
} from './reports.js';
import { readRss } from './rss.js';
import { CaptureStacks } from './stacks.js';
import { captureTimeline, type Timeline } from './timeline.js';

/** What was sampled of the JavaScript heap, and how. */
export interface JsHeap extends JsHeapReport {
  /** Its bytes and counts are estimates: of bytes and objects. */
  readonly profile: MemoryProfile;
}

/** From where to where growth is looked at: a mark, or a time. */
export interface GrowthRange {
  readonly from?: Moment;
  readonly to?: Moment;
}

export class Capture extends Reports {
  readonly path: string;
  readonly metadata: CaptureMetadata;
  readonly #file: CaptureFile;
  readonly #passes: Passes;
  readonly #stacks = new WeakMap<Pass, CaptureStacks>();

  private constructor(file: CaptureFile, metadata: CaptureMetadata) {
    super();
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

  /**
   * The JavaScript heap, as it was sampled: at its highest, or at the end.
   * @throws UsageError it was not sampled
   */
  async jsHeap(moment: JsHeapMoment = 'peak'): Promise<JsHeap> {
    const { profile, timeNs, pass, jsHeap } = await this.#jsHeap(moment);
    return { profile: new MemoryProfile(profile, timeNs, this.#stacksOf(pass)), ...jsHeap };
  }

  async profile(selection: ProfileSelection = {}): Promise<MemoryProfile> {
    const { profile, timeNs, pass } = await this.#profile(selection);
    return new MemoryProfile(profile, timeNs, this.#stacksOf(pass));
  }

  /** Memory over time. */
  async timeline(): Promise<Timeline> {
    return captureTimeline((await this.#timeline()).consumer);
  }

  /** What the page of `memtape flamegraph` shows; `renderFlamegraph` makes the page. */
  override async flamegraph(
    options: FlamegraphSelection & {
      /** For any range of time: the peak in it, or what was allocated in it and is live at its end. */
      readonly temporal?: boolean;
    } = {},
  ): Promise<FlamegraphReport> {
    if (!options.temporal) return super.flamegraph(options);
    const [slices, recording] = await Promise.all([
      this.#slices(options.kind),
      this.recording(options, true),
    ]);
    return flamegraphOf(recording, options, slices);
  }

  /** What `memtape leaks --json` prints: what a service keeps, and whether that is a leak. */
  async leaks(options: GrowthRange & LeaksOptions = {}): Promise<LeaksReport> {
    const { from, to } = options;
    const key = `growth ${JSON.stringify([from, to])}`;
    const { consumer, pass } = await this.#passes.ask(key, () => new GrowthAggregator(from, to));
    const growth = consumer.finish();
    checkRange(growth, from, to);
    return leaksReport(growth, pass.stacks, options);
  }

  /** What `memtape rss --json` prints: what resident memory is made of. */
  rss(): Promise<RssReport> {
    this.#file.check();
    return readRss((consumer, options) => readPass(this.#file, [consumer], options));
  }

  /** What `memtape diff --json` prints: this capture compared with an earlier one. */
  async diff(before: Capture, options: ProfileSelection & DiffOptions = {}): Promise<DiffReport> {
    const sides = await Promise.all([before.#side(options), this.#side(options)]);
    return diffReport(...sides, options);
  }

  /** @internal */
  async recording(selection: ProfileSelection, measured: boolean): Promise<Recording> {
    return new Recording([await this.read(selection, measured)]);
  }

  /** @internal */
  async read(selection: ProfileSelection, measured: boolean): Promise<ReadCapture> {
    const [{ profile, pass, jsHeap }, measures] = await Promise.all([
      this.#profile(selection),
      measured ? this.#measures() : undefined,
    ]);
    return { pass, profile, ...(jsHeap && { jsHeap }), ...(measures && { measures }) };
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
    readonly jsHeap?: JsHeapReport;
  }> {
    if (kind === 'js_heap_peak' || kind === 'js_heap_end') {
      return this.#jsHeap(kind === 'js_heap_peak' ? 'peak' : 'end');
    }
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

  async #jsHeap(moment: JsHeapMoment) {
    const { consumer, pass } = await this.#passes.ask('js heap', () => new JsHeapAggregator());
    const { profile, report } = jsHeapView(consumer, moment, pass.end);
    const timeNs = Math.max(...report.isolates.map((isolate) => isolate.time_ns));
    return { profile, timeNs, pass, jsHeap: report };
  }

  async #side(options: ProfileSelection): Promise<DiffSide> {
    const { profile, pass } = await this.#profile(options);
    return { profile, stacks: pass.stacks, cwd: this.metadata.cwd ?? '' };
  }

  async #measures(): Promise<Measures> {
    const [{ consumer: peak }, { consumer: totals }, { consumer: timelines }] = await Promise.all([
      this.#peak(),
      this.#totals(),
      this.#timeline(),
    ]);
    return { peak, totals, timelines };
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

  async #slices(kind: ProfileSelection['kind'] = 'peak'): Promise<PeakSlices | LeakSlices> {
    if (kind === 'peak') {
      return (await this.#passes.ask('slice peaks', () => new SlicePeaks())).consumer.finish();
    }
    if (kind === 'leaked') {
      return (await this.#passes.ask('slice leaks', () => new SliceLeaks())).consumer.finish();
    }
    throw new UsageError(`there is no flame graph over time of ${kind} memory`, 'peak, leaked');
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
