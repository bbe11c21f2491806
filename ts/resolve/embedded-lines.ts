// SPDX-License-Identifier: MIT
// The text of source lines in the capture, so that reports show it where the sources are not.
import type { CaptureEnd } from '../decode/read-capture.js';
import type { Tables } from '../decode/tables.js';
import { sourceLineKey } from '../decode/tables.js';
import type { Frame } from '../model/frame.js';
import { frameNames } from '../model/frame-names.js';
import { isNamed } from './resolution.js';
import { type SourceLinesOptions, sourceLines } from './source-lines.js';

export interface LineRecord {
  readonly file: string;
  readonly line: number;
  /** 0 unless the line is so long that what is shown depends on the column. */
  readonly column: number;
  readonly text: string;
}

/** The lines of all frames, which have their names by now. */
export function lookUpLines(tables: Tables, options: SourceLinesOptions): LineRecord[] {
  const frames = placesOf(tables);
  const texts = sourceLines(frames, options);
  const records: LineRecord[] = [];
  let start: string | undefined;
  for (const [i, { file, line, column }] of frames.entries()) {
    const text = texts[i];
    if (column === 0) start = text;
    if (text !== undefined && (column === 0 || text !== start)) {
      records.push({ file, line, column, text });
    }
  }
  return records;
}

/** For each frame its line: from the capture, if that has all that it may have, else from the file. */
export function linesOf(
  end: CaptureEnd,
  frames: readonly Frame[],
  options: SourceLinesOptions,
): (string | undefined)[] {
  if (options.confidential === 'all') return frames.map(() => undefined);
  if (!isNamed(end)) return sourceLines(frames, options);
  const known = frames.map((frame) => embedded(end.tables, frame));
  if (options.confidential !== 'none') return known;
  const read = sourceLines(frames, options);
  return known.map((text, i) => text ?? read[i]);
}

function embedded({ sourceLines: lines }: Tables, { file, line, column }: Frame) {
  return lines.get(sourceLineKey(file, line, column)) ?? lines.get(sourceLineKey(file, line, 0));
}

/** Each place once; before those of a line the line itself, as reports have it where they merge columns. */
function placesOf(tables: Tables): Frame[] {
  const lines = new Map<string, Map<number, Frame>>();
  for (let id = 1; id < tables.frameCount; id++) {
    for (const frame of frameNames(tables, id)) {
      const { file, line, column } = frame;
      if (file === '' || line === 0) continue;
      const key = sourceLineKey(file, line, 0);
      const columns = lines.get(key) ?? new Map([[0, { ...frame, column: 0 }]]);
      lines.set(key, columns.set(column, columns.get(column) ?? frame));
    }
  }
  return [...lines.values()].flatMap((columns) => [...columns.values()]);
}
