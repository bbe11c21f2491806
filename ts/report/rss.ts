// SPDX-License-Identifier: MIT
// RSS explained: what it is made of at its highest, at the end and between, and what to make of that.

import type { ChosenLooks, RssLooks } from '../aggregate/rss-looks.js';
import type { RssMoment } from '../aggregate/rss-moments.js';
import type { CaptureEnd } from '../decode/read-capture.js';
import type { NamedStacks } from '../model/named-stacks.js';
import { breakdownOf } from './rss-breakdown.js';
import {
  RSS_KINDS,
  type RssBreakdown,
  type RssExplained,
  type RssKind,
  type RssReport,
  type RssSeries,
} from './rss-report.js';
import { rssVerdict } from './rss-verdict.js';
import { milliseconds } from './timeline.js';

export interface RssInput {
  readonly looks: RssLooks;
  readonly chosen: ChosenLooks | null;
  /** Of the chosen looks. */
  readonly moments: readonly RssMoment[];
  readonly end: CaptureEnd;
  readonly stacks: NamedStacks;
}

export function rssReport({ looks, chosen, moments, end, stacks }: RssInput): RssReport {
  const { libc = '', mode } = end.metadata;
  const knowsMalloc = libc.startsWith('glibc') && mode === 'preload';
  const context = { tables: end.tables, stacks, knowsMalloc };
  const breakdowns = moments.map((moment) => breakdownOf(moment, context));
  const at = (look: number | undefined): RssExplained | null => {
    const breakdown = breakdowns[chosen?.chosen.indexOf(look ?? -1) ?? -1];
    return breakdown === undefined ? null : { ...breakdown, ...rssVerdict(breakdown) };
  };
  const { highest } = looks;
  return {
    command: (end.metadata.command ?? []).join(' '),
    peak: at(chosen?.peak),
    end: at(chosen?.end),
    series: seriesOf(breakdowns),
    highest: { time_ms: milliseconds(highest.timeNs), rss: highest.rss },
    notes: notesOf(libc, mode, chosen !== null),
  };
}

function seriesOf(breakdowns: readonly RssBreakdown[]): RssSeries {
  const kinds = Object.keys(RSS_KINDS) as RssKind[];
  const columns = kinds.map((kind, row) => [kind, breakdowns.map((b) => b.rows[row]?.bytes ?? 0)]);
  return {
    time_ms: breakdowns.map((b) => b.time_ms),
    rss: breakdowns.map((b) => b.rss),
    kinds: Object.fromEntries(columns),
  };
}

function notesOf(libc: string, mode: string | undefined, has: boolean): string[] {
  if (!has) {
    return [
      'This capture does not say what RSS was made of: the kernel did not tell (no /proc/self/smaps), or an earlier memtape recorded it.',
    ];
  }
  if (mode === 'patch') {
    return [
      'Recording began while the program ran: what malloc held then, free or not, is not known, nor whose the pages of that time are.',
    ];
  }
  if (!libc.startsWith('glibc')) {
    return ["malloc is not glibc's: its free memory cannot be told from other anonymous memory."];
  }
  return [];
}
