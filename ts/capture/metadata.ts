// SPDX-License-Identifier: MIT
// What a capture says about its process, at the start and at the end.

import type { CaptureEnd } from '../decode/read-capture.js';
import type { Metadata } from '../format/metadata.js';
import type { FileHeader, ThreadInfo } from '../format/records.js';
import { captureNotes } from '../report/capture-notes.js';

/** null where the capture does not say. */
export interface CaptureMetadata {
  /** Of the format, such as `1.0`. */
  readonly version: string;
  readonly captureId: bigint;
  /** Whether names are embedded and nothing is left in rings. */
  readonly finalized: boolean;
  readonly startTime: Date;
  readonly command: readonly string[];
  readonly cwd: string | null;
  readonly executable: string | null;
  readonly execArgv: readonly string[];
  readonly pid: number;
  readonly ppid: number | null;
  readonly mainThread: number | null;
  readonly node: string | null;
  readonly v8: string | null;
  readonly libc: string | null;
  readonly platform: string | null;
  readonly arch: string | null;
  /** Whether whole native stacks were recorded. */
  readonly native: boolean;
  readonly follow: boolean;
  /** Between two samples. */
  readonly intervalMs: number | null;
  readonly pageBytes: number | null;
  /** The process's memory limit; null for none. */
  readonly cgroupLimitBytes: number | null;
  /** `preload`: from the first instruction; `patch`: from a Tracker's start. */
  readonly mode: 'preload' | 'patch' | null;
  /** `none`: JavaScript frames are missing, for the reason that follows. */
  readonly jsStacks: 'frames' | 'none' | null;
  readonly jsStacksReason: string | null;
  /** Version of the memtape that recorded. */
  readonly memtape: string | null;
}

/** @internal */
export function captureMetadata(header: FileHeader, metadata: Metadata): CaptureMetadata {
  const { options } = metadata;
  return {
    version: `${header.versionMajor}.${header.versionMinor}`,
    captureId: header.captureId,
    finalized: header.finalized,
    startTime: new Date(Number(header.startUnixNs / 1_000_000n)),
    command: metadata.command ?? [],
    cwd: metadata.cwd ?? null,
    executable: metadata.executable ?? null,
    execArgv: metadata.execArgv ?? [],
    pid: metadata.pid ?? header.pid,
    ppid: metadata.ppid ?? null,
    mainThread: metadata.mainThread ?? null,
    node: metadata.node ?? null,
    v8: metadata.v8 ?? null,
    libc: metadata.libc ?? null,
    platform: metadata.platform ?? null,
    arch: metadata.arch ?? null,
    native: options?.native ?? false,
    follow: options?.follow ?? false,
    intervalMs: options?.intervalMs ?? null,
    pageBytes: metadata.pageSize ?? null,
    cgroupLimitBytes: metadata.cgroupLimit ?? null,
    mode: metadata.mode ?? null,
    jsStacks: metadata.jsStacks ?? null,
    jsStacksReason: metadata.jsStacksReason ?? null,
    memtape: metadata.memtape ?? null,
  };
}

/** How recording ended, and how much of it the capture holds. */
export interface CaptureOutcome {
  /**
   * `exit`: of the process; `stop`: of the Tracker; `exec`: it became another program; `fork`, `error`, `signal` and
   * `killed`: recording broke off there;
   * `truncated`: the capture was cut off and nobody knows. `unknown`: a later version's reason.
   */
  readonly end:
    | 'stop'
    | 'exit'
    | 'fork'
    | 'error'
    | 'exec'
    | 'signal'
    | 'killed'
    | 'truncated'
    | 'unknown';
  /** Every number covers what could be read, and more came. */
  readonly truncated: boolean;
  /** Known to `memtape run` only, like the signal. */
  readonly exitCode: number | null;
  readonly exitSignal: string | null;
  /** Why recording ended early, a full disk for example. */
  readonly error: string | null;
  /** From start to end; for a truncated capture up to the last event. */
  readonly durationNs: number;
  readonly allocations: number;
  readonly frees: number;
  /** Of blocks from before the recording. */
  readonly foreignFrees: number;
  /** Blocks whose address was allocated again without a free in between. */
  readonly missedFrees: number;
  /** Calls that changed mappings. */
  readonly mappings: number;
  readonly stalls: number;
  readonly stallNs: number;
  /** That the process could not log; 0 unless writing failed. */
  readonly eventsDropped: number;
  readonly bytesRead: number;
  /** Damaged ones. */
  readonly bytesDropped: number;
  readonly threads: readonly ThreadInfo[];
  /** Sentences for the reader: what is wrong with this capture. */
  readonly warnings: readonly string[];
}

/**
 * @internal
 * @param peakBytes as counted from the events, when they were
 */
export function captureOutcome(end: CaptureEnd): CaptureOutcome {
  const { trailer, counts } = end;
  return {
    end: trailer === null ? 'truncated' : (trailer.end ?? 'unknown'),
    truncated: end.truncated,
    exitCode: trailer?.exit?.code ?? null,
    exitSignal: trailer?.exit?.signal ?? null,
    error: trailer?.error ?? null,
    durationNs: trailer?.durationNs ?? end.endTimeNs,
    allocations: counts.allocations,
    frees: counts.frees,
    foreignFrees: counts.foreignFrees,
    missedFrees: counts.missedFrees,
    mappings: counts.maps,
    stalls: trailer?.stalls ?? 0,
    stallNs: trailer?.stallNs ?? 0,
    eventsDropped: trailer?.dropped ?? 0,
    bytesRead: end.bytesRead,
    bytesDropped: end.bytesDropped,
    threads: [...end.tables.threads.values()],
    warnings: captureNotes(end, trailer?.peakBytes ?? 0).warnings,
  };
}
