// SPDX-License-Identifier: MIT
// A frame as the page needs it: what to print, what to search, how to colour.

import {
  type Frame,
  type FrameCategory,
  frameCategory,
  frameText,
  type SourcedFrame,
} from '../../model/frame.js';
import { printable } from '../../model/printable.js';

export interface AppFrame extends Frame {
  readonly category: FrameCategory;
  /** `function (file:line)`; what search looks at. */
  readonly text: string;
  /** `function` and the file's last part, short enough for a box in the graph. */
  readonly label: string;
  readonly place: string;
  readonly hash: number;
  /** The line's text; empty when unknown. */
  readonly source: string;
}

export function appFrame(frame: SourcedFrame): AppFrame {
  const text = printable(frameText(frame));
  return {
    ...frame,
    name: printable(frame.name),
    file: printable(frame.file),
    module: printable(frame.module),
    category: frameCategory(frame),
    text,
    label: printable(frame.name),
    place: shortPlace(frame),
    source: printable(frame.source ?? ''),
    hash: fnv1a(`${frame.kind} ${text}`),
  };
}

function shortPlace(frame: Frame): string {
  // A native frame without a line has its module for a file, and thousands have the same.
  if (frame.file === '' || (frame.kind === 'native' && frame.line === 0)) return '';
  const file = frame.file.startsWith('node:')
    ? frame.file
    : frame.file.slice(Math.max(frame.file.lastIndexOf('/'), frame.file.lastIndexOf('\\')) + 1);
  return printable(frame.line > 0 ? `${file}:${frame.line}` : file);
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
