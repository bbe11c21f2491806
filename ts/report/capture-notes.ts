// SPDX-License-Identifier: MIT
// What a reader of the numbers must know about the capture they come from.

import type { CaptureEnd } from '../decode/read-capture.js';
import { sizeText } from '../model/size-text.js';

export interface CaptureNotes {
  /** Something is wrong or missing. */
  readonly warnings: string[];
  /** Limits that always apply. */
  readonly notes: string[];
}

/** A share of events below which a loss changes no picture: it is told, but not as a warning. */
const FEW = 1e-4;

const seconds = (ns: number): string => `${(ns / 1e9).toFixed(3)} s`;
const times = (count: number, what: string): string =>
  `${count.toLocaleString('en-US')} ${what}${count === 1 ? '' : 's'}`;

/** @param peakBytes as counted from the events, to compare with what the writer counted. */
export function captureNotes(end: CaptureEnd, peakBytes: number): CaptureNotes {
  return {
    warnings: [
      ...endWarnings(end),
      ...stackWarnings(end),
      ...lossWarnings(end),
      ...peakWarnings(end, peakBytes),
    ],
    notes: [...lossNotes(end), ...costNotes(end)],
  };
}

/** Its end was not seen, and yet it ended by itself. */
const UNFINISHED =
  'The recording has no end: the program became one that cannot be recorded, or was left in a way that tells nobody.';

function endWarnings({ truncated, trailer, endTimeNs }: CaptureEnd): string[] {
  const warnings: string[] = [];
  if (truncated) {
    warnings.push(
      `The capture was cut off: every number covers the first ${seconds(endTimeNs)} only.`,
    );
  }
  if (trailer?.end === 'killed' || trailer?.end === 'signal') {
    const { signal, code } = trailer.exit ?? {};
    if (typeof code === 'number') return [...warnings, UNFINISHED];
    warnings.push(
      `The program was killed${signal ? ` by ${signal}` : ''}; what it had logged until then is here.`,
    );
  }
  if (trailer?.error) warnings.push(`Recording stopped early: ${trailer.error}.`);
  return warnings;
}

function lossWarnings({ bytesDropped, counts, trailer }: CaptureEnd): string[] {
  const warnings: string[] = [];
  if (bytesDropped > 0) warnings.push(`${times(bytesDropped, 'byte')} could not be read.`);
  if (trailer?.dropped) warnings.push(`${times(trailer.dropped, 'event')} could not be logged.`);
  if (counts.missedFrees > counts.allocations * FEW) warnings.push(missedText(counts.missedFrees));
  if (trailer?.nested) {
    warnings.push(`${times(trailer.nested, 'event')} inside signal handlers have no stack.`);
  }
  return warnings;
}

function peakWarnings({ trailer }: CaptureEnd, peakBytes: number): string[] {
  const written = trailer?.peakBytes;
  if (written === undefined || written === peakBytes) return [];
  return [
    `The writer counted a peak of ${sizeText(written)}, the log says ${sizeText(peakBytes)}.`,
  ];
}

const missedText = (missed: number): string =>
  `${times(missed, 'free')} went unseen: those blocks counted as live until their address came again.`;

function lossNotes({ counts }: CaptureEnd): string[] {
  const { allocations, missedFrees } = counts;
  return missedFrees > 0 && missedFrees <= allocations * FEW ? [missedText(missedFrees)] : [];
}

function stackWarnings({ metadata }: CaptureEnd): string[] {
  if (metadata.jsStacks !== 'none') return [];
  const reason = metadata.jsStacksReason ?? 'the reason was not recorded';
  return [`JavaScript frames are missing: ${reason}.`];
}

function costNotes({ trailer }: CaptureEnd): string[] {
  if (!trailer?.stalls) return [];
  const waited = seconds(trailer.stallNs ?? 0);
  return [`The program waited ${times(trailer.stalls, 'time')} for the log, ${waited} in all.`];
}
