// SPDX-License-Identifier: MIT
// Records a command by the environment alone, and reads the capture as a report does.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fanout } from '../../ts/aggregate/fanout.js';
import { PeakAggregator } from '../../ts/aggregate/peak.js';
import { TotalsAggregator } from '../../ts/aggregate/totals.js';
import type { Consumer } from '../../ts/decode/consumer.js';
import { type CaptureEnd, readCapture } from '../../ts/decode/read-capture.js';
import { ALLOCATORS } from '../../ts/format/constants.js';
import type { MapRecord } from '../../ts/format/records.js';
import type { Frame } from '../../ts/model/frame.js';
import { frameNames } from '../../ts/model/frame-names.js';
import type { Profile } from '../../ts/model/profile.js';
import { locate } from '../../ts/native/locate.js';
import { packageRoot } from '../../ts/native/package-root.js';
import { applyNames, lookUpNames } from '../../ts/resolve/embed.js';
import { openResolution } from '../../ts/resolve/resolution.js';
import { type Finished, run } from './programs.js';

export interface Recorded extends Finished {
  readonly capture: string;
}

/** What makes a process record itself into `capture`. */
export function recordingEnvironment(
  capture: string,
  settings: NodeJS.ProcessEnv = {},
): NodeJS.ProcessEnv {
  const files = locate(packageRoot());
  if (!files) throw new Error('the preload library is not built: npm run build');
  return { LD_PRELOAD: files.preload, MEMTAPE_OUTPUT: capture, MEMTAPE_FORCE: '1', ...settings };
}

/** `env` is for the program; what is for the recording goes into `settings`. */
export function record(
  command: string,
  args: readonly string[],
  options: { folder: string; env?: NodeJS.ProcessEnv; settings?: NodeJS.ProcessEnv; cwd?: string },
): Recorded {
  const capture = join(options.folder, 'capture.bin');
  const env = { ...options.env, ...recordingEnvironment(capture, options.settings) };
  const cwd = options.cwd === undefined ? {} : { cwd: options.cwd };
  const finished = run(command, args, { env, ...cwd });
  if (!existsSync(capture)) throw new Error(`no capture was written: ${finished.stderr}`);
  return { ...finished, capture };
}

export interface Group {
  readonly stack: number;
  readonly thread: number;
  readonly allocator: string;
  readonly bytes: number;
  readonly count: number;
}

/** Allocations of one size, by stack. */
type Sized = Map<number, Map<number, number>>;

class SizeCounter implements Consumer {
  readonly found: Sized = new Map();
  constructor(sizes: Iterable<number>) {
    for (const size of sizes) this.found.set(size, new Map());
  }
  onAlloc(stack: number, size: number): void {
    const stacks = this.found.get(size);
    if (stacks) stacks.set(stack, (stacks.get(stack) ?? 0) + 1);
  }
}

class MapCollector implements Consumer {
  readonly maps: MapRecord[] = [];
  onMap(map: MapRecord): void {
    this.maps.push(map);
  }
}

export class Recording {
  readonly end: CaptureEnd;
  readonly maps: readonly MapRecord[];
  readonly peakBytes: number;
  readonly allocated: readonly Group[];
  readonly atPeak: readonly Group[];
  readonly live: readonly Group[];
  readonly #sized: Sized;
  readonly #frames = new Map<number, readonly Frame[]>();

  constructor(
    end: CaptureEnd,
    totals: TotalsAggregator,
    peak: PeakAggregator,
    maps: readonly MapRecord[],
    sized: Sized,
  ) {
    this.end = end;
    this.maps = maps;
    this.peakBytes = peak.peakBytes;
    this.allocated = groups(totals.allocated());
    this.atPeak = groups(peak.peak());
    this.live = groups(peak.live());
    this.#sized = sized;
  }

  /** How often each stack allocated exactly this size, which was asked for when reading. */
  stacksOfSize(size: number): ReadonlyMap<number, number> {
    return this.#sized.get(size) ?? new Map();
  }

  /** Leaf first. */
  frames(stack: number): readonly Frame[] {
    const known = this.#frames.get(stack);
    if (known) return known;
    const { tables } = this.end;
    const frames = tables.stackFrames(stack).flatMap((id) => frameNames(tables, id).reverse());
    this.#frames.set(stack, frames);
    return frames;
  }

  /** The first native frame from the leaf. Its file is the source where there is debug information. */
  nativeLeaf(stack: number): Frame | undefined {
    const { tables } = this.end;
    for (const id of tables.stackFrames(stack)) {
      if (tables.frame(id)?.kind === 'native') return frameNames(tables, id).at(-1);
    }
    return undefined;
  }

  /** Kinds of the JavaScript frames as recorded, leaf first: interpreted, baseline, maglev, turbofan. */
  tiers(stack: number): string[] {
    const { tables } = this.end;
    const kinds = tables.stackFrames(stack).map((id) => tables.frame(id)?.kind ?? 'lost');
    return kinds.filter((kind) => !['native', 'label', 'builtin'].includes(kind));
  }

  /** Every frame of every stack. */
  *allFrames(): Generator<Frame> {
    const { tables } = this.end;
    for (let id = 1; id < tables.frameCount; id++) yield* frameNames(tables, id);
  }

  threadName(thread: number): string {
    return this.end.tables.threads.get(thread)?.name ?? '';
  }
}

function groups({ rows }: Profile): Group[] {
  return Array.from({ length: rows.size }, (_, row) => ({
    stack: rows.stack[row] ?? 0,
    thread: rows.thread[row] ?? 0,
    allocator: ALLOCATORS[rows.allocator[row] ?? -1] ?? 'map',
    bytes: rows.bytes[row] ?? 0,
    count: rows.count[row] ?? 0,
  }));
}

export async function readRecording(
  capture: string,
  sizes: Iterable<number> = [],
  more: readonly Consumer[] = [],
): Promise<Recording> {
  const totals = new TotalsAggregator();
  const peak = new PeakAggregator();
  const counter = new SizeCounter(sizes);
  const maps = new MapCollector();
  const end = await readCapture(capture, fanout([totals, peak, counter, maps, ...more]));
  const { resolvers, close } = openResolution(end);
  applyNames(end.tables, lookUpNames(end.tables, resolvers));
  close();
  return new Recording(end, totals, peak, maps.maps, counter.found);
}
