// SPDX-License-Identifier: MIT
// The JSON of metadata and trailer records (docs/format.md §6): what is used is validated, the rest is kept, and a field
// that is missing or wrong is absent rather than an error.

import * as z from 'zod/mini';

const optional = <T extends z.ZodMiniType>(schema: T) => z.catch(z.optional(schema), undefined);

const text = optional(z.string());
const flag = optional(z.boolean());
const count = optional(z.number().check(z.nonnegative()));
const decimal = optional(z.string().check(z.regex(/^\d+$/)));
const texts = optional(z.array(z.string()));

const metadataSchema = z.looseObject({
  command: texts,
  cwd: text,
  pid: count,
  ppid: count,
  executable: text,
  startUnixNs: decimal,
  node: text,
  v8: text,
  libc: text,
  arch: text,
  platform: text,
  execArgv: texts,
  mainThread: count,
  pageSize: count,
  clock: optional(z.enum(['tsc', 'sequence'])),
  options: optional(
    z.looseObject({ native: flag, intervalMs: count, follow: flag, jsHeap: optional(z.unknown()) }),
  ),
  cgroupLimit: optional(z.nullable(z.number().check(z.nonnegative()))),
  memtape: text,
  mode: optional(z.enum(['preload', 'patch'])),
  jsStacks: optional(z.enum(['frames', 'none'])),
  jsStacksReason: text,
});

const trailerSchema = z.looseObject({
  endUnixNs: decimal,
  durationNs: count,
  end: optional(z.enum(['stop', 'exit', 'fork', 'error', 'exec', 'signal', 'killed'])),
  allocations: count,
  frees: count,
  allocatedBytes: count,
  foreignFrees: count,
  missedFrees: count,
  nested: count,
  stalls: count,
  stallNs: count,
  dropped: count,
  error: optional(z.nullable(z.string())),
  peakBytes: count,
  peakTimeNs: count,
  peakEvent: count,
  liveBytes: count,
  liveBlocks: count,
  childrenRss: count,
  exit: optional(
    z.looseObject({
      code: optional(z.nullable(z.int())),
      signal: optional(z.nullable(z.string())),
    }),
  ),
});

export type Metadata = z.infer<typeof metadataSchema>;
export type Trailer = z.infer<typeof trailerSchema>;

export const parseMetadata = (json: Readonly<Record<string, unknown>>): Metadata =>
  metadataSchema.parse(json);

export const parseTrailer = (json: Readonly<Record<string, unknown>>): Trailer =>
  trailerSchema.parse(json);
