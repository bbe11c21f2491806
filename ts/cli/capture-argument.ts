// SPDX-License-Identifier: MIT
import { realpathSync } from 'node:fs';
import { printable } from '../model/printable.js';
import { UsageError } from '../tracker/usage-error.js';

/** The one capture that a command is about. */
export function captureArgument([path]: readonly string[], command: string): string {
  if (path !== undefined && path !== '') return path;
  throw noCapture(command);
}

/** The captures that a command is about: one, or those of several processes. */
export function captureArguments(paths: readonly string[], command: string): string[] {
  if (paths.length === 0 || paths.includes('')) throw noCapture(command);
  const twice = paths.find((path, i) => paths.slice(0, i).some((other) => isSame(path, other)));
  if (twice === undefined) return [...paths];
  throw new UsageError(
    `${printable(twice)} is given twice`,
    'several captures are those of several processes',
  );
}

/** The two captures that a command compares. */
export function comparedCaptures(
  [before, after]: readonly string[],
  command: string,
): [string, string] {
  if (before !== undefined && before !== '' && after !== undefined && after !== '')
    return [before, after];
  throw new UsageError('two captures are needed', `memtape ${command} before.bin after.bin`);
}

const noCapture = (command: string) =>
  new UsageError('no capture given', `memtape ${command} memtape-app.1234.bin`);

function isSame(a: string, b: string): boolean {
  if (a === b) return true;
  try {
    return realpathSync(a) === realpathSync(b);
  } catch {
    return false; // What is not there is told of when it is opened.
  }
}
