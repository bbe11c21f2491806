// SPDX-License-Identifier: MIT
// What RSS is mostly made of, the numbers that say so, and what to do about it.

import { sizeText } from '../model/size-text.js';
import type { RssBreakdown, RssKind, RssVerdict, RssVerdictKind } from './rss-report.js';

/** A kind below these is not what makes a process large. */
const LEAST_SHARE = 0.25;
const LEAST_BYTES = 16e6;

/** Of what was freed and kept, that much in whole pages: no live block is in their way. */
const RETAINED_SHARE = 0.75;

/** An arena with less of what is looked for is not named. */
const LEAST_ARENA_SHARE = 0.1;

export function rssVerdict(breakdown: RssBreakdown): RssVerdict {
  const bytes = (kind: RssKind) => breakdown.rows.find((row) => row.kind === kind)?.bytes ?? 0;
  const v8 = bytes('v8_heap');
  const used = Math.min(v8, breakdown.v8_used);
  const kept = bytes('fragments') + bytes('free');
  const candidates: [RssVerdictKind, number][] = [
    [bytes('free') >= kept * RETAINED_SHARE ? 'retained' : 'fragmentation', kept],
    ['blocks', bytes('blocks')],
    ['v8-objects', used],
    ['v8-pages', v8 - used],
    ['v8-other', bytes('v8_other')],
    ['mappings', bytes('mappings')],
    ['files', bytes('files')],
    ['stacks', bytes('stacks')],
    ['unknown', bytes('earlier') + bytes('other')],
  ];
  const [verdict, most] = candidates.reduce((a, b) => (b[1] > a[1] ? b : a));
  if (most < LEAST_BYTES || most < breakdown.rss * LEAST_SHARE) return baseline(breakdown);
  return { verdict, ...TEXTS[verdict](breakdown, most) };
}

interface Sentences {
  readonly why: string[];
  readonly advice: string[];
}

function baseline({ rss }: RssBreakdown): RssVerdict {
  const why = [`No kind of memory stands out: RSS is ${sizeText(rss)}.`];
  return { verdict: 'baseline', why, advice: [] };
}

const TEXTS: Record<RssVerdictKind, (b: RssBreakdown, bytes: number) => Sentences> = {
  fragmentation: (b, bytes) => ({
    why: [
      `Blocks of ${sizeText(b.live_bytes)} are live, and malloc holds ${sizeText(bytes)} beside them that was freed: ${shareText(bytes, b)} of RSS, ${arenasText(b)}.`,
      `${sizeText(sum(b, 'fragments'))} of it lie on pages with live blocks, which nobody can give back; ${trimText(b)}.`,
    ],
    advice: allocatorAdvice(b),
  }),
  retained: (b, bytes) => ({
    why: [
      `Blocks of ${sizeText(b.live_bytes)} are live, and malloc keeps ${sizeText(bytes)} that was freed: ${shareText(bytes, b)} of RSS, ${arenasText(b)}.`,
      `${sizeText(sum(b, 'free'))} of it are whole pages: ${trimText(b)}.`,
    ],
    advice: [
      'It is used again before malloc asks for more; if it must go back, native code can call malloc_trim(0) after the peak.',
      ...allocatorAdvice(b),
    ],
  }),
  blocks: (b, bytes) => ({
    why: [
      `Live blocks are ${sizeText(bytes)}, ${shareText(bytes, b)} of RSS: ${largestText(b, 'blocks')}.`,
    ],
    advice: [
      'memtape flamegraph shows the lines that hold them; memtape leaks says whether they leak.',
    ],
  }),
  'v8-objects': (b, bytes) => ({
    why: [
      `JavaScript objects are ${sizeText(bytes)}, ${shareText(bytes, b)} of RSS: ${largestText(b, 'v8_heap')}.`,
    ],
    advice: [
      'A heap snapshot (node --heapsnapshot-near-heap-limit=1, DevTools) names the objects; memtape leaks says whether they grow.',
    ],
  }),
  'v8-pages': (b, bytes) => ({
    why: [
      `V8 holds ${sizeText(bytes)} of pages beyond its ${sizeText(b.v8_used)} of objects, ${shareText(bytes, b)} of RSS: ${largestText(b, 'v8_heap')}.`,
    ],
    advice: [
      'It is room for new objects, and garbage that no collection has found yet. --max-old-space-size and --max-semi-space-size limit it, at the price of more collections.',
    ],
  }),
  'v8-other': (b, bytes) => ({
    why: [
      `V8 holds ${sizeText(bytes)} of pages outside its heap's spaces, ${shareText(bytes, b)} of RSS: WebAssembly memories, code, and pages that it keeps for later.`,
    ],
    advice: ['memtape flamegraph shows the lines that made V8 take them.'],
  }),
  mappings: (b, bytes) => ({
    why: [
      `Memory mapped by native code is ${sizeText(bytes)}, ${shareText(bytes, b)} of RSS: ${largestText(b, 'mappings')}.`,
    ],
    advice: ['memtape flamegraph --native shows how they came to be.'],
  }),
  files: (b, bytes) => ({
    why: [
      `Mapped files are ${sizeText(bytes)}, ${shareText(bytes, b)} of RSS: ${largestText(b, 'files')}.`,
    ],
    advice: [
      'Pages that were not written to cost nothing when memory is short: the kernel drops them and reads them again.',
    ],
  }),
  stacks: (b, bytes) => ({
    why: [
      `Thread stacks are ${sizeText(bytes)}, ${shareText(bytes, b)} of RSS: ${largestText(b, 'stacks')}.`,
    ],
    advice: ['Fewer threads or less deep recursion; pages of a stack that were used once stay.'],
  }),
  unknown: (b, bytes) => ({
    why: [
      `${sizeText(bytes)}, ${shareText(bytes, b)} of RSS, belong to nobody that memtape knows: ${largestText(b, 'other', 'earlier')}.`,
    ],
    advice: ['Record the program from its start (memtape run) to see more.'],
  }),
  baseline: () => ({ why: [], advice: [] }),
};

const sum = (b: RssBreakdown, kind: 'fragments' | 'free'): number =>
  b.arenas.reduce((total, arena) => total + arena[kind], 0);

const shareText = (bytes: number, { rss }: RssBreakdown): string =>
  `${Math.round((bytes / rss) * 100)}%`;

const trimText = (b: RssBreakdown): string =>
  `malloc_trim(0) would give back ${sizeText(sum(b, 'free'))}`;

/** `in arenas 3 and 5`: those that matter. */
function arenasText(b: RssBreakdown): string {
  const kept = b.arenas.map(({ arena, fragments, free }) => ({ arena, bytes: fragments + free }));
  const total = kept.reduce((sum, { bytes }) => sum + bytes, 0);
  const named = kept.filter(({ bytes }) => bytes >= total * LEAST_ARENA_SHARE);
  if (b.arenas.length === 1 || named.length === 0) {
    return b.arenas.length === 1 ? 'in the main arena' : `in ${b.arenas.length} arenas`;
  }
  const names = named.map(({ arena }) => `${arena}`);
  const last = names.pop() as string;
  const list = names.length === 0 ? last : `${names.join(', ')} and ${last}`;
  return `in ${named.length === 1 ? 'arena' : 'arenas'} ${list} of ${b.arenas.length}`;
}

/** `libvips.so 40.000MB, node 3.000MB`: the largest three. */
function largestText(b: RssBreakdown, ...kinds: RssKind[]): string {
  const details = b.rows
    .filter(({ kind }) => kinds.includes(kind))
    .flatMap(({ label, bytes, details }) =>
      details.length > 0 ? details : bytes > 0 ? [{ name: label, bytes }] : [],
    )
    .sort((x, y) => y.bytes - x.bytes);
  const shown = details.slice(0, 3).map(({ name, bytes }) => `${name} ${sizeText(bytes)}`);
  const hidden = details.length - shown.length;
  return shown.join(', ') + (hidden > 0 ? ` and ${hidden} more` : '');
}

function allocatorAdvice({ arenas }: RssBreakdown): string[] {
  const several = arenas.filter(({ resident }) => resident >= LEAST_BYTES / 4).length > 1;
  return [
    ...(several
      ? [
          'MALLOC_ARENA_MAX=2 in the environment: fewer arenas, in each of which more is used again.',
        ]
      : []),
    'Another allocator fragments less: LD_PRELOAD=libjemalloc.so.2 (Debian: libjemalloc2).',
    'MALLOC_MMAP_THRESHOLD_=65536 gives blocks of that size or more pages of their own, which go back when they are freed.',
  ];
}
