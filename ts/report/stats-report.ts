// SPDX-License-Identifier: MIT
// The shape of the statistics report: memray's key names where the meaning is equal, ours beside them.

import type { ProfileKind } from '../model/profile.js';
import type { HistogramBin } from './histogram.js';
import type { ThreadSum } from './thread-sums.js';
import type { GcSummary } from './timeline.js';

export interface StatsMetadata {
  readonly start_time: string;
  /** null when the capture was cut off. */
  readonly end_time: string | null;
  readonly duration_ms: number;
  readonly total_allocations: number;
  readonly peak_memory: number;
  readonly command_line: string;
  readonly cwd: string;
  readonly pid: number;
  readonly main_thread_id: number;
  readonly has_native_traces: boolean;
  readonly node_version: string;
  readonly v8_version: string;
  readonly libc: string;
  readonly platform: string;
  readonly arch: string;
  readonly exec_argv: readonly string[];
  readonly memtape_version: string;
  /** How recording ended: stop, exit, fork, error, signal, killed, or truncated. */
  readonly end: string;
  readonly exit_code: number | null;
  readonly exit_signal: string | null;
  readonly cgroup_limit: number | null;
  /** Children that it forked, whether or not they are recorded. */
  readonly forked_children: number;
}

/** One of several processes that a report is about. */
export interface ProcessStats {
  /** `node worker.js (pid 4242)` */
  readonly name: string;
  readonly pid: number;
  readonly command_line: string;
  readonly start_time: string;
  readonly duration_ms: number;
  readonly peak_memory: number;
  readonly peak_time_ms: number;
  readonly peak_rss: number;
  readonly leaked_bytes: number;
  readonly end: string;
}

export interface ModuleSum {
  /** A package as `name@version`; `(program)`; `(Node.js and native code)`. */
  readonly module: string;
  readonly num_allocations: number;
  readonly total_bytes: number;
}

export interface StatsReport {
  /** What the allocators and the largest locations are about; all else is about the whole run. */
  readonly kind: ProfileKind;
  readonly total_num_allocations: number;
  readonly total_bytes_allocated: number;
  readonly peak_memory: number;
  readonly allocation_size_histogram: readonly HistogramBin[];
  readonly allocator_type_distribution: Readonly<Record<string, number>>;
  readonly top_allocations_by_size: readonly { location: string; size: number }[];
  readonly top_allocations_by_count: readonly { location: string; count: number }[];
  /** By the thread that allocated it, the largest first. */
  readonly allocations_by_thread: readonly ThreadSum[];
  /** By the package of the innermost frame outside Node.js itself. */
  readonly top_modules_by_allocation_size: readonly ModuleSum[];
  readonly top_modules_by_allocation_count: readonly ModuleSum[];
  /** Of the process that began first, where there are several. */
  readonly metadata: StatsMetadata;
  /** Where there are several: each, in the order of their starts. Peaks above are sums of theirs. */
  readonly processes?: readonly ProcessStats[];
  readonly peak_time_ms: number;
  readonly peak_rss: number;
  readonly peak_js_heap: number;
  readonly peak_reserved: number;
  /** When `leaked_bytes` were live: before Node.js freed its own at exit, or when the log ended. */
  readonly leaked_at: 'exit' | 'end';
  readonly leaked_bytes: number;
  readonly leaked_allocations: number;
  readonly total_num_frees: number;
  readonly foreign_frees: number;
  readonly missed_frees: number;
  readonly allocated_bytes_by_allocator: Readonly<Record<string, number>>;
  readonly gc: readonly GcSummary[];
  readonly threads: number;
  readonly stalls: number;
  readonly truncated: boolean;
  readonly bytes_dropped: number;
  /** Sentences for the reader: what is wrong with this capture. */
  readonly warnings: readonly string[];
  /** Sentences for the reader: what these numbers cannot show. */
  readonly notes: readonly string[];
}
