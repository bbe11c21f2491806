// SPDX-License-Identifier: MIT
// What test/programs/truth prints.
import { z } from 'zod';

const site = z.object({
  function: z.string(),
  file: z.string(),
  line: z.number(),
  allocator: z.string(),
  allocations: z.number(),
  bytes: z.number(),
  liveBlocks: z.number(),
  liveBytes: z.number(),
  peakBlocks: z.number(),
  peakBytes: z.number(),
});

/** Bytes of pages, by what they are: a page that may not be accessed is `…None`. */
const pages = z.object({
  anonymous: z.number(),
  anonymousNone: z.number(),
  sharedAnonymous: z.number(),
  sharedAnonymousNone: z.number(),
  file: z.number(),
  fileNone: z.number(),
});

const truthOutput = z.object({
  mode: z.string(),
  pid: z.number(),
  pageSize: z.number(),
  /** allocations + frees */
  events: z.number(),
  totals: z.object({
    allocations: z.number(),
    bytes: z.number(),
    frees: z.number(),
    nullFrees: z.number(),
    liveBlocks: z.number(),
    liveBytes: z.number(),
  }),
  /** `known` is 0 after a part whose threads ran freely and never stopped at the top. */
  peak: z.object({
    known: z.number(),
    heap: z.number(),
    liveBytes: z.number(),
    liveBlocks: z.number(),
    committed: z.number(),
  }),
  /** Of blocks that single-threaded parts allocated. */
  temporary: z.array(z.object({ threshold: z.number(), allocations: z.number() })),
  failures: z.record(z.string(), z.number()),
  sites: z.array(site),
  threads: z.array(z.object({ name: z.string(), allocations: z.number(), bytes: z.number() })),
  maps: z.object({
    calls: z.array(z.object({ function: z.string(), calls: z.number(), failures: z.number() })),
    steps: z.array(pages.extend({ name: z.string() })),
    end: pages,
  }),
  signals: z.object({ handled: z.number(), keptPages: z.number() }).optional(),
});

export type TruthOutput = z.infer<typeof truthOutput>;
export type TruthSite = z.infer<typeof site>;
export type TruthPages = z.infer<typeof pages>;

export function parseTruth(stdout: string): TruthOutput {
  return truthOutput.parse(JSON.parse(stdout));
}
