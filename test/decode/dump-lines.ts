// SPDX-License-Identifier: MIT
import type { CaptureSource } from '../../ts/decode/byte-source.js';
import { dumpCapture } from '../../ts/decode/dump.js';
import type { CaptureEnd } from '../../ts/decode/read-capture.js';

export async function dumpLines(
  source: CaptureSource,
): Promise<{ lines: string[]; end: CaptureEnd }> {
  let text = '';
  const end = await dumpCapture(source, (lines) => {
    text += lines;
    return undefined;
  });
  return { lines: text.split('\n').slice(0, -1), end };
}

/** What the records say; not how they were stored or what the reader thought of it. */
export const recordLines = (lines: readonly string[]): string[] =>
  lines.filter((line) => !/^(block|dropped|end|counts|rings_recovered) /.test(line));
