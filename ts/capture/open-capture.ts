// SPDX-License-Identifier: MIT
// The door to everything that reads. What only records must not load it: it would be part of what is recorded.

import type { Capture } from './capture.js';
import type { Captures } from './captures.js';

/**
 * Opens a capture. Call `close()` when it is no longer needed, or declare it with `using`.
 * @throws FormatError when the file is no capture, or one of a later version; else the file system's error
 */
export async function openCapture(path: string): Promise<Capture> {
  const { Capture } = await import('./capture.js');
  return Capture.open(path);
}

/**
 * Opens the captures of several processes, for reports on all of them. Call `close()` when they are no longer needed.
 * @throws as `openCapture`
 */
export async function openCaptures(paths: readonly string[]): Promise<Captures> {
  const { Captures } = await import('./captures.js');
  return Captures.open(paths);
}
