// SPDX-License-Identifier: MIT
// What `memtape run` does once the program has ended: finish the capture, say what was found.
import { basename, relative, sep } from 'node:path';
import pc from 'picocolors';
import type { Recording } from '../capture/recording.js';
import { FormatError } from '../decode/format-error.js';
import type { Confidential } from '../model/confidential.js';
import { sizeText } from '../model/size-text.js';
import { commandText } from '../report/command-text.js';
import { topSites } from '../report/sites.js';
import { demangle } from '../resolve/demangle.js';
import { FinalizeError, type FinalizeResult, finalize } from '../resolve/finalize.js';
import { openResolution } from '../resolve/resolution.js';
import type { Launched } from '../tracker/launch.js';
import { analyse } from './analysis.js';
import type { OtherCapture } from './followed.js';
import { nameNotes } from './name-notes.js';
import { Progress } from './progress.js';
import { LastSigns, whatHappened } from './what-happened.js';

export interface Run {
  readonly path: string;
  /** Whether the program left a capture at `path`. */
  readonly written: boolean;
  readonly command: readonly string[];
  readonly ended: Launched;
  readonly compress: boolean;
  /** Whose source lines stay out of the capture. */
  readonly confidentialFiles?: Confidential;
  readonly quiet: boolean;
  /** Whether the processes that it started were recorded, too. */
  readonly follow: boolean;
  readonly others: readonly OtherCapture[];
}

const TOP_SITES = 5;
const SHOWN_OTHERS = 10;
const SHOWN_TOGETHER = 5;

type Exit = Pick<Launched, 'code' | 'signal'>;

/** One of the other captures, finished. */
interface Other extends OtherCapture {
  readonly command: string;
  readonly peakBytes: number;
}

export type FinishOptions = Pick<Run, 'compress' | 'confidentialFiles'> & {
  readonly exit?: Exit;
  readonly end?: 'exec';
};

/** Embeds names, recovers rings, compresses. */
export async function finish(
  path: string,
  { compress, confidentialFiles, exit, end: how }: FinishOptions,
): Promise<FinalizeResult> {
  const progress = new Progress(`finishing ${basename(path)}`);
  try {
    return await finalize(path, {
      ...(exit && { exit }),
      ...(how && { end: how }),
      ...(confidentialFiles && { confidentialFiles }),
      compression: compress ? 'auto' : 'none',
      resolution: (end) => openResolution(end, { demangle }),
      onProgress: ({ bytes, totalBytes }) => progress.show(bytes, totalBytes),
    });
  } finally {
    progress.clear();
  }
}

function found(recording: Recording): string[] {
  const { profile, stacks, timeline } = recording;
  const { isTTY } = process.stderr;
  const { bold, dim } = pc.createColors(Boolean(isTTY) && !process.env['NO_COLOR']);
  const { total_num_allocations: count, leaked_at, leaked_bytes, warnings } = recording.stats();
  const rss = timeline.rss_peak.bytes;
  const facts = [
    `peak heap ${bold(sizeText(recording.peakBytes))}`,
    ...(rss > 0 ? [`peak RSS ${sizeText(rss)}`] : []),
    ...(leaked_at === 'exit' ? [`${sizeText(leaked_bytes)} live at exit`] : []),
    `${count.toLocaleString('en-US')} allocations`,
  ];
  const sites = topSites(profile, stacks, TOP_SITES).map(({ bytes, share, location, via }) => {
    const percent = `${Math.round(share * 100)}%`.padStart(4);
    // Paths in the working directory need not say so.
    const place = location.replaceAll(`${process.cwd()}${sep}`, '');
    return `  ${sizeText(bytes).padStart(10)} ${percent}  ${place}${via && dim(` by ${via}`)}`;
  });
  return [
    `memtape: ${facts.join(', ')}`,
    ...warnings.map((warning) => `memtape: ${warning}`),
    ...(sites.length > 0 ? ['memtape: who held the peak', ...sites] : []),
  ];
}

/** A process that runs on keeps its capture; its first report will name what it needs. */
async function finishOthers(run: Run): Promise<Other[]> {
  const finished: Other[] = [];
  for (const other of run.others) {
    let result: FinalizeResult | null = null;
    try {
      result = await finish(other.path, {
        ...run,
        ...(other.replaced && { end: 'exec' }),
      });
    } catch (error) {
      if (!(error instanceof FinalizeError || error instanceof FormatError)) throw error;
    }
    const command = commandText(result?.end?.metadata.command ?? []);
    finished.push({ ...other, command, peakBytes: result?.trailer?.peakBytes ?? 0 });
  }
  return finished.sort((a, b) => b.peakBytes - a.peakBytes);
}

function otherLines(others: readonly Other[]): string[] {
  const lines = others.slice(0, SHOWN_OTHERS).map(({ path, command, peakBytes, replaced }) => {
    const facts = [
      ...(command === '' ? [] : [command]),
      ...(peakBytes > 0 ? [`peak heap ${sizeText(peakBytes)}`] : []),
      ...(replaced ? ['until it became another program'] : []),
    ];
    return `memtape: wrote ${typed(path)}${facts.length > 0 ? ` (${facts.join(', ')})` : ''}`;
  });
  const hidden = others.length - lines.length;
  return hidden > 0 ? [...lines, `memtape: … and ${hidden} smaller ones`] : lines;
}

/** How to see a few processes at once; of many the shell's patterns say it better. */
function together(path: string, others: readonly Other[]): string[] {
  const kept = others.filter(({ replaced }) => !replaced);
  if (kept.length === 0 || kept.length > SHOWN_TOGETHER) return [];
  const all = [path, ...kept.map((other) => typed(other.path))];
  return [`memtape: in one report: memtape flamegraph ${all.join(' ')}`];
}

function unrecorded({ follow }: Run, childrenRss: number): string[] {
  if (follow || childrenRss === 0) return [];
  const largest = `the largest had ${sizeText(childrenRss)} of RSS`;
  return [
    `memtape: it started processes that were not recorded (${largest}); --follow records them`,
  ];
}

/** The path as the user would type it, quoted where a shell needs that. */
function typed(path: string): string {
  const near = relative(process.cwd(), path);
  const short = near.startsWith('..') ? path : near;
  return /^[\w./+@%-]+$/.test(short) ? short : `'${short.replaceAll("'", "'\\''")}'`;
}

function nothingWritten({ command, ended, path }: Run): string[] {
  return [
    `memtape: ${whatHappened(command, ended, new LastSigns())}`,
    `memtape: no capture was written to ${path}`,
    'hint: setuid and statically linked programs cannot be recorded',
  ];
}

/** @throws FormatError, FinalizeError, or an error of the file system; the capture stays as it was */
export async function afterRun(run: Run): Promise<void> {
  const say = (lines: readonly string[]) => process.stderr.write(`${lines.join('\n')}\n`);
  if (!run.written) {
    say(nothingWritten(run));
    return;
  }
  const { code, signal } = run.ended;
  const { trailer, problems } = await finish(run.path, {
    ...run,
    exit: { code, signal },
  });
  const others = await finishOthers(run);
  if (run.quiet) return;
  const signs = new LastSigns();
  const recording = await analyse(run.path, {}, [signs]);
  const path = typed(run.path);
  const largest = others.find(
    ({ peakBytes, replaced }) => !replaced && peakBytes > recording.peakBytes,
  );
  say([
    `memtape: ${whatHappened(run.command, run.ended, signs)}`,
    ...found(recording),
    ...unrecorded(run, trailer?.childrenRss ?? 0),
    ...otherLines(others),
    ...together(path, others),
    ...nameNotes(problems),
    `memtape: wrote ${path}; next: memtape flamegraph ${largest ? typed(largest.path) : path}`,
  ]);
}
