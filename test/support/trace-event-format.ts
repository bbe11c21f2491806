// SPDX-License-Identifier: MIT
// What the Trace Event Format asks of a file, and besides what Perfetto's importer drops without a word: slices of a thread that
// overlap and do not nest, counters without numbers, names that nothing is called by.
import * as z from 'zod';

const id = z.int().nonnegative();
const microseconds = z.number().nonnegative();
const name = z.string().min(1);
const cat = z.string().min(1);
const named = z.strictObject({ name: z.string() });

const event = z.discriminatedUnion('ph', [
  z.strictObject({
    ph: z.literal('M'),
    name: z.enum(['process_name', 'thread_name']),
    pid: id,
    tid: id,
    args: named,
  }),
  z.strictObject({
    ph: z.literal('C'),
    name,
    pid: id,
    tid: id,
    ts: microseconds,
    args: z.record(name, z.number().nonnegative()).refine((args) => Object.keys(args).length > 0),
  }),
  z.strictObject({
    ph: z.literal('X'),
    name,
    cat,
    pid: id,
    tid: id,
    ts: microseconds,
    dur: microseconds,
  }),
  z.strictObject({
    ph: z.literal('i'),
    s: z.enum(['g', 'p', 't']),
    name,
    cat,
    pid: id,
    tid: id,
    ts: microseconds,
  }),
]);

const file = z.strictObject({
  displayTimeUnit: z.enum(['ms', 'ns']),
  otherData: z.record(z.string(), z.string()),
  traceEvents: z.array(event),
});

type Event = z.infer<typeof event>;

/** What is wrong with a file; nothing when it is a good one. */
export function traceEventProblems(json: unknown): string[] {
  const parsed = file.safeParse(json);
  if (!parsed.success) return parsed.error.issues.map(({ path, message }) => `${path}: ${message}`);
  const { traceEvents } = parsed.data;
  return [...overlaps(traceEvents), ...nameless(traceEvents), ...counterTracks(traceEvents)];
}

function overlaps(events: readonly Event[]): string[] {
  const slices = events.filter((each) => each.ph === 'X');
  slices.sort((a, b) => a.tid - b.tid || a.ts - b.ts || b.dur - a.dur);
  const problems: string[] = [];
  let open: (typeof slices)[number][] = [];
  for (const slice of slices) {
    open = open.filter(({ tid, ts, dur }) => tid === slice.tid && ts + dur > slice.ts);
    const around = open.at(-1);
    if (around !== undefined && slice.ts + slice.dur > around.ts + around.dur) {
      problems.push(`thread ${slice.tid}: ${around.name} ends in the middle of ${slice.name}`);
    }
    open.push(slice);
  }
  return problems;
}

function nameless(events: readonly Event[]): string[] {
  const names = (what: string) =>
    new Set(events.flatMap((each) => (each.ph === 'M' && each.name === what ? [each.tid] : [])));
  const threads = names('thread_name');
  const used = events.flatMap((each) => (each.ph === 'X' || each.ph === 'i' ? [each.tid] : []));
  return [
    ...(names('process_name').size === 1 ? [] : ['the process has not one name']),
    ...[...new Set(used)].filter((tid) => !threads.has(tid)).map((tid) => `thread ${tid}: no name`),
  ];
}

/** The values of a counter have the same names each time. */
function counterTracks(events: readonly Event[]): string[] {
  const tracks = new Map<string, Set<string>>();
  for (const each of events) {
    if (each.ph !== 'C') continue;
    const series = Object.keys(each.args).sort().join();
    tracks.set(each.name, (tracks.get(each.name) ?? new Set()).add(series));
  }
  return [...tracks].flatMap(([track, series]) =>
    series.size > 1 ? [`${track} has several kinds of values: ${[...series].join(' and ')}`] : [],
  );
}
