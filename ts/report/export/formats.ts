// SPDX-License-Identifier: MIT
// The foreign formats: what their files are called and what opens them.

import { collapsed } from './collapsed.js';
import { csv } from './csv.js';
import { gprof2dot } from './gprof2dot.js';
import { heapprofile } from './heapprofile.js';
import type { ExportChunks, ExportInput } from './input.js';
import { pprof } from './pprof.js';
import { speedscope } from './speedscope.js';
import { traceEvents } from './trace-events.js';

export interface ExportFormat {
  readonly extension: string;
  /** What to do with the file. */
  readonly opens: (file: string) => string;
  /** It shows the whole run and has no peak, leaks or temporary allocations. */
  readonly isTimeline?: true;
  readonly chunks: (input: ExportInput) => ExportChunks;
}

export const EXPORT_FORMATS: Readonly<Record<string, ExportFormat>> = {
  gprof2dot: {
    extension: 'json',
    opens: (file) => `gprof2dot -f json ${file} | dot -Tsvg -o graph.svg`,
    chunks: gprof2dot,
  },
  csv: { extension: 'csv', opens: () => 'any spreadsheet or database', chunks: csv },
  speedscope: {
    extension: 'speedscope.json',
    opens: (file) => `npx speedscope ${file}, or https://www.speedscope.app`,
    chunks: speedscope,
  },
  pprof: {
    extension: 'pb.gz',
    opens: (file) => `go tool pprof -http=: ${file}`,
    chunks: pprof,
  },
  collapsed: {
    extension: 'txt',
    opens: (file) => `flamegraph.pl --countname=bytes ${file} > graph.svg`,
    chunks: collapsed,
  },
  heapprofile: {
    extension: 'heapprofile',
    opens: () => 'Chrome DevTools, Memory, Load profile',
    chunks: heapprofile,
  },
  perfetto: {
    extension: 'json',
    opens: () => 'https://ui.perfetto.dev, or Chrome DevTools, Performance, Load profile',
    isTimeline: true,
    chunks: traceEvents,
  },
};
