// SPDX-License-Identifier: MIT
// memtape parse: every record of a capture, one stable line each.
import { dumpCapture } from '../../decode/dump.js';
import { captureArgument } from '../capture-argument.js';
import type { Action } from '../commands.js';
import { withPath } from '../errors.js';
import { print } from '../output.js';
import { withProgress } from '../progress.js';

export const action: Action = async (args, options) => {
  const path = captureArgument(args, 'parse');
  try {
    await withProgress(
      path,
      (onBlock) => dumpCapture(path, print, { format: options.json ? 'json' : 'text', onBlock }),
      // On a terminal the records show how far it is.
      process.stderr.isTTY === true && process.stdout.isTTY !== true,
    );
  } catch (error) {
    throw withPath(error, path);
  }
};
