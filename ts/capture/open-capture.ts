// SPDX-License-Identifier: MIT
// The door to everything that reads. What only records must not load it: it would be part of what is recorded.

import type { Capture } from './capture.js';

/**
 * Opens a capture. Call `close()` when it is no longer needed, or declare it with `using`.
 * @throws FormatError when the file is no capture, or one of a later version; else the file system's error
 */
export async function openCapture(path: string): Promise<Capture> {
  const { Capture } = await import('./capture.js');
  return Capture.open(path);
}
