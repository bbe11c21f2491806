// SPDX-License-Identifier: MIT
// Whether a process still writes to a capture.

import { readFile, stat } from 'node:fs/promises';
import { isAlive } from './safe-file.js';

/**
 * A recording process has its rings mapped. Where that cannot be looked up, one that is alive is
 * believed to record.
 */
export async function isRecording(ringsPath: string, pid: number): Promise<boolean> {
  if (pid <= 0 || !isAlive(pid)) return false;
  const rings = await stat(ringsPath).catch(() => null);
  if (!rings) return false;
  try {
    const maps = await readFile(`/proc/${pid}/maps`, 'utf8');
    return maps.split('\n').some((line) => line.split(/\s+/)[4] === String(rings.ino));
  } catch {
    return true;
  }
}
