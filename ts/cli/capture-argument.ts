// SPDX-License-Identifier: MIT
import { UsageError } from '../tracker/usage-error.js';

/** The one capture that a command is about. */
export function captureArgument([path]: readonly string[], command: string): string {
  if (path !== undefined && path !== '') return path;
  throw new UsageError('no capture given', `memtape ${command} memtape-app.1234.bin`);
}

/** The two captures that a command compares. */
export function captureArguments(
  [before, after]: readonly string[],
  command: string,
): [string, string] {
  if (before !== undefined && before !== '' && after !== undefined && after !== '')
    return [before, after];
  throw new UsageError('two captures are needed', `memtape ${command} before.bin after.bin`);
}
