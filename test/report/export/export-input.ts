// SPDX-License-Identifier: MIT
import type { Profile } from '../../../ts/model/profile.js';
import type { ExportChunks, ExportInput } from '../../../ts/report/export/input.js';
import { type Recorded, recorded } from '../recorded.js';

/** The small capture as every export gets it; another profile of it when asked. */
export function exportInput(profileOf: (from: Recorded) => Profile = ({ peak }) => peak.peak()) {
  const from = recorded();
  const input: ExportInput = {
    profile: profileOf(from),
    allocated: from.totals.allocated(),
    stacks: from.stacks,
    threads: from.capture.tables.threads,
    times: [
      {
        timeline: from.timelines,
        threads: from.capture.tables.threads,
        pid: from.stats.metadata.pid,
        command: from.stats.metadata.command_line,
        peak: { timeNs: from.peak.peakTimeNs, bytes: from.peak.peakBytes },
        offsetNs: 0,
      },
    ],
    stats: from.stats,
    startUnixNs: 1_760_000_000_000_000_000n,
  };
  return { from, input };
}

export const textOf = (chunks: ExportChunks): string =>
  Buffer.concat(Array.from(chunks, (chunk) => Buffer.from(chunk as string))).toString();
