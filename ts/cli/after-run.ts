// SPDX-License-Identifier: MIT
// What `memtape run` does once the program has ended: finish the capture, say what happened.

import { relative } from 'node:path';
import type { Launched } from '../tracker/launch.js';
import { compressCapture } from './compress.js';
import { reportError } from './errors.js';

export interface Run {
  readonly path: string;
  /** Whether the program left a capture at `path`. */
  readonly written: boolean;
  readonly command: readonly string[];
  readonly ended: Launched;
  readonly compress: boolean;
  readonly quiet: boolean;
}

export async function afterRun(run: Run): Promise<void> {
  if (!run.written) return;
  try {
    if (run.compress) await compressCapture(run.path);
  } catch (error) {
    reportError(error);
  }
}
