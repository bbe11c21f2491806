// SPDX-License-Identifier: MIT
// memtape finalize: what `run` does at the end, for captures that nothing came after: those of a
// Tracker, of the environment alone, or of a machine that went down.
import { finish } from '../after-run.js';
import { captureArgument } from '../capture-argument.js';
import type { Action } from '../commands.js';
import { withPath } from '../errors.js';
import { nameNotes } from '../name-notes.js';

export const action: Action = async (args, options) => {
  const path = captureArgument(args, 'finalize');
  try {
    const { changed, bytesBefore, bytesAfter, names, problems } = await finish(path, options);
    if (options.quiet) return;
    const result = changed
      ? `memtape: ${path}: ${bytesBefore} bytes became ${bytesAfter}, with ${names} more names`
      : `memtape: ${path} was finalized before`;
    process.stderr.write(`${[result, ...nameNotes(problems)].join('\n')}\n`);
  } catch (error) {
    throw withPath(error, path);
  }
};
