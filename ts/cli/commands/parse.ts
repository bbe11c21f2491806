// SPDX-License-Identifier: MIT
// memtape parse: every record of a capture, one stable line each.
import { dumpCapture } from '../../decode/dump.js';
import { captureArgument } from '../capture-argument.js';
import type { Action } from '../commands.js';
import { withPath } from '../errors.js';
import { print } from '../output.js';

export const action: Action = async (args, options) => {
  const path = captureArgument(args, 'parse');
  try {
    await dumpCapture(path, print, { format: options.json ? 'json' : 'text' });
  } catch (error) {
    throw withPath(error, path);
  }
};
