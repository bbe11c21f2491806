// SPDX-License-Identifier: MIT
import { UsageError } from '../tracker/usage-error.js';

/** The one capture that a command is about. */
export function captureArgument([path]: readonly string[], command: string): string {
  if (path !== undefined && path !== '') return path;
  throw new UsageError('no capture given', `memtape ${command} memtape-app.1234.bin`);
}
