// SPDX-License-Identifier: MIT
// A look at RSS, in the words of a reader: kinds of memory that add up to RSS, each with what it is made of.

import type { MomentPart, RssMoment } from '../aggregate/rss-moments.js';
import type { Tables } from '../decode/tables.js';
import { frameCategory, frameText } from '../model/frame.js';
import type { NamedStacks } from '../model/named-stacks.js';
import {
  RSS_KINDS,
  type RssArena,
  type RssBreakdown,
  type RssKind,
  type RssRow,
} from './rss-report.js';
import { ownSiteOf } from './sites.js';
import { threadText } from './thread-text.js';
import { milliseconds } from './timeline.js';

export interface BreakdownContext {
  readonly tables: Tables;
  readonly stacks: NamedStacks;
  /** malloc is glibc's, and every block in its arenas is known: recording began with the process. */
  readonly knowsMalloc: boolean;
}

export function breakdownOf(moment: RssMoment, context: BreakdownContext): RssBreakdown {
  const sums = new KindSums();
  const arenas: RssArena[] = [];
  const modules = new Set(moment.parts.filter((p) => p.part === 'code').map((p) => p.name));
  const v8 = addMappings(moment, context, sums);
  addV8(moment, v8, sums);
  for (const part of moment.parts) {
    if (part.part === 'arena') arenas.push(addArena(part, context, sums));
    else addPart(part, context, modules, sums);
  }
  const residentLive = sums.bytes('blocks');
  sums.replaceDetails('blocks', liveByModule(moment, context.tables, residentLive));
  return {
    time_ms: milliseconds(moment.timeNs),
    rss: moment.rss,
    rows: sums.rows(moment.rss),
    arenas: arenas.sort((a, b) => a.arena - b.arena),
    live_bytes: moment.liveBytes,
    live_untouched: Math.max(0, moment.liveBytes - residentLive),
    v8_used: moment.spaces.reduce((sum, { used }) => sum + used, 0),
  };
}

/** Bytes by kind and, within each, by name. */
class KindSums {
  readonly #kinds = new Map<RssKind, Map<string, number>>();

  add(kind: RssKind, name: string, bytes: number): void {
    if (bytes === 0) return;
    const details = this.#kinds.get(kind) ?? new Map<string, number>();
    this.#kinds.set(kind, details);
    details.set(name, (details.get(name) ?? 0) + bytes);
  }

  bytes(kind: RssKind): number {
    return [...(this.#kinds.get(kind)?.values() ?? [])].reduce((sum, bytes) => sum + bytes, 0);
  }

  replaceDetails(kind: RssKind, details: Map<string, number>): void {
    if (details.size > 0) this.#kinds.set(kind, details);
  }

  rows(rss: number): RssRow[] {
    return (Object.keys(RSS_KINDS) as RssKind[]).map((kind) => {
      const bytes = this.bytes(kind);
      const details = [...(this.#kinds.get(kind) ?? [])]
        .map(([name, bytes]) => ({ name, bytes }))
        .sort((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1));
      const named = details.length > 1 || (details[0] !== undefined && details[0].name !== '');
      const share = rss === 0 ? 0 : bytes / rss;
      return { kind, label: RSS_KINDS[kind], bytes, share, details: named ? details : [] };
    });
  }
}

/** Returns what V8 has mapped. */
function addMappings(moment: RssMoment, { stacks }: BreakdownContext, sums: KindSums): number {
  const siteOf = ownSiteOf(stacks);
  let v8 = 0;
  for (const { part, detail, bytes } of moment.parts) {
    if (part !== 'mapping') continue;
    const leaf = stacks.frames.get(stacks.path(detail)[0] ?? 0);
    if (frameCategory(leaf) === 'v8') v8 += bytes;
    else sums.add('mappings', frameText(stacks.frames.get(siteOf(detail))), bytes);
  }
  return v8;
}

/** V8 tells of spaces what it holds, which need not all be resident: then each has its share of what is. */
function addV8(moment: RssMoment, resident: number, sums: KindSums): void {
  const held = moment.spaces.reduce((sum, { size }) => sum + size, 0);
  const heap = Math.min(held, resident);
  let rest = heap;
  for (const [i, { name, size }] of moment.spaces.entries()) {
    const isLast = i === moment.spaces.length - 1;
    const bytes = isLast ? rest : Math.min(rest, Math.round((size / held) * heap));
    sums.add('v8_heap', name, bytes);
    rest -= bytes;
  }
  sums.add('v8_other', '', resident - heap + (moment.spaces.length === 0 ? rest : 0));
}

function addArena(part: MomentPart, context: BreakdownContext, sums: KindSums): RssArena {
  const resident = part.bytes;
  const live = Math.min(part.live, resident);
  sums.add('blocks', '', live);
  const name = part.detail === 1 ? 'main arena' : `arena ${part.detail}`;
  const rest = resident - live;
  if (!context.knowsMalloc) {
    sums.add('other', 'malloc: blocks from before the recording, and free', rest);
    const none = { overhead: 0, fragments: 0, free: 0 };
    return { arena: part.detail, resident, live, ...none, unknown: rest };
  }
  const overhead = Math.min(part.overhead, rest);
  const free = Math.min(part.empty, rest - overhead);
  const fragments = rest - overhead - free;
  sums.add('overhead', name, overhead);
  sums.add('free', name, free);
  sums.add('fragments', name, fragments);
  return { arena: part.detail, resident, live, overhead, fragments, free, unknown: 0 };
}

function addPart(
  part: MomentPart,
  { tables, knowsMalloc }: BreakdownContext,
  modules: ReadonlySet<string>,
  sums: KindSums,
): void {
  const { bytes, name, detail } = part;
  switch (part.part) {
    case 'code':
    case 'file':
      if (OWN_MODULE.test(name)) sums.add('memtape', '', bytes);
      else sums.add(modules.has(name) ? 'code' : 'files', name, bytes);
      return;
    case 'thread_stack': {
      const name =
        detail === 0
          ? 'threads that allocate nothing'
          : threadText(detail, tables.threads.get(detail));
      const live = Math.min(part.live, bytes);
      sums.add('blocks', '', live);
      sums.add('stacks', name, bytes - live);
      return;
    }
    case 'memtape':
      sums.add('memtape', '', bytes);
      return;
    case 'anonymous':
    case 'earlier': {
      const live = Math.min(part.live, bytes);
      // A block with a mapping of its own: what it does not fill of its pages is rounding.
      const usedPages = Math.max(live, Math.min(bytes, bytes - part.empty));
      const rounding = knowsMalloc ? usedPages - live : 0;
      sums.add('blocks', '', live);
      sums.add('overhead', 'blocks with pages of their own', rounding);
      const rest = bytes - live - rounding;
      if (part.part === 'earlier') sums.add('earlier', '', rest);
      else sums.add('other', 'anonymous memory of libraries and the C library', rest);
      return;
    }
    case 'other':
      sums.add('other', name === '' ? '(unknown)' : name, bytes);
      return;
    case 'arena':
    case 'mapping':
  }
}

/** The library and the addon of memtape's, by any name that they are published under. */
const OWN_MODULE = /[\\/](?:libmemtape[.\w]*\.so|memtape[.\w-]*\.node)(?: \(deleted\))?$/;

/** By the module whose code called malloc. Adds up to `total`: the pages of a part may come to more than its bytes. */
function liveByModule(moment: RssMoment, tables: Tables, total: number): Map<string, number> {
  const sums = new Map<string, number>();
  let rest = total;
  for (const [stack, bytes] of moment.liveByStack) {
    const name = moduleOf(stack, tables);
    const some = Math.min(rest, bytes);
    sums.set(name, (sums.get(name) ?? 0) + some);
    rest -= some;
  }
  if (rest > 0) sums.set('', rest);
  return sums;
}

function moduleOf(stack: number, tables: Tables): string {
  const { stackNodes, nodeParents, nodeFrames } = tables;
  for (let node = stackNodes.get(stack); node !== 0; node = nodeParents.get(node)) {
    const frame = tables.frame(nodeFrames.get(node));
    if (frame?.kind !== 'native') continue;
    const path = tables.module(frame.module)?.path;
    if (path !== undefined && path !== '') return path.slice(path.lastIndexOf('/') + 1);
  }
  return '(V8)';
}
