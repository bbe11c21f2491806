// SPDX-License-Identifier: MIT
// One pass over a capture, and the names of what it met.

import { fanout } from '../aggregate/fanout.js';
import type { CaptureSource } from '../decode/byte-source.js';
import type { RecordConsumer } from '../decode/consumer.js';
import { type CaptureEnd, type ReadOptions, readCapture } from '../decode/read-capture.js';
import { NamedStacks } from '../model/named-stacks.js';
import { demangle } from '../resolve/demangle.js';
import { applyNames, lookUpNames } from '../resolve/embed.js';
import { downloadDebugFiles, isNamed, openResolution } from '../resolve/resolution.js';

export interface PassOptions extends ReadOptions {
  /** Told of each block's offset in the file. */
  readonly onBlock?: (offset: number) => void;
}

/** What every consumer's numbers refer to: stacks, threads, and how the capture ends. */
export class Pass {
  readonly end: CaptureEnd;
  #stacks: NamedStacks | null = null;

  constructor(end: CaptureEnd) {
    this.end = end;
  }

  /** Names are looked up when the first is asked for: totals need none. */
  get stacks(): NamedStacks {
    if (this.#stacks === null) {
      if (!isNamed(this.end)) lookUpAll(this.end);
      this.#stacks = new NamedStacks(this.end.tables);
    }
    return this.#stacks;
  }
}

/** @throws FormatError, or an error of the file system */
export async function readPass(
  source: CaptureSource,
  consumers: readonly RecordConsumer[],
  { onBlock, ...options }: PassOptions = {},
): Promise<Pass> {
  const all = onBlock === undefined ? consumers : [...consumers, { onBlock }];
  const end = await readCapture(source, fanout(all), options);
  if (!isNamed(end)) await downloadDebugFiles(end);
  return new Pass(end);
}

function lookUpAll(end: CaptureEnd): void {
  const { tables } = end;
  const resolution = openResolution(end, { demangle });
  try {
    applyNames(tables, lookUpNames(tables, resolution.resolvers));
  } finally {
    resolution.close();
  }
}
