// SPDX-License-Identifier: MIT
// The one place where errors become lines on stderr and an exit code: 2 for wrong use, 1 for the rest.
import { CommanderError } from 'commander';
import { FormatError } from '../decode/format-error.js';
import { NativeError } from '../native/native-error.js';
import { UsageError } from '../tracker/usage-error.js';

interface Report {
  readonly message: string;
  readonly hint: string | undefined;
  readonly exitCode: 1 | 2;
}

const FILE_ERRORS: Record<string, string> = {
  ENOENT: 'no such file',
  EISDIR: 'it is a folder, not a file',
  ENOTDIR: 'a part of its path is not a folder',
  EACCES: 'no permission',
  EPERM: 'no permission',
  EROFS: 'the disk is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EIO: 'the disk reports an error',
  EMFILE: 'too many open files',
};

const FILE_HINTS: Record<string, string> = {
  ENOENT: '`memtape run` says at its end where the capture is',
  EISDIR: 'give the capture in it',
  EACCES: 'try as the user whose file it is',
  EPERM: 'try as the user whose file it is',
};

function fromCommander(error: CommanderError): Report {
  // "error: unknown option '--forse'", then perhaps "(Did you mean --force?)" on its own line.
  const [message = '', suggestion] = error.message.replace(/^error: /, '').split('\n');
  const hint = suggestion?.replace(/^\((.*)\)$/, '$1').replace(/^Did/, 'did');
  return { message, hint: hint ?? '`memtape --help` lists commands and options', exitCode: 2 };
}

function fromFormat(error: FormatError, path: string | undefined): Report {
  const newer = /version/.test(error.message);
  return {
    message: path === undefined ? error.message : `${path}: ${error.message}`,
    hint: newer
      ? 'install the memtape that recorded it, or a newer one'
      : 'give a file that `memtape run` or a Tracker wrote',
    exitCode: 1,
  };
}

function describe(error: unknown): Report {
  if (error instanceof CommanderError) return fromCommander(error);
  if (error instanceof UsageError) return { message: error.message, hint: error.hint, exitCode: 2 };
  if (error instanceof NativeError)
    return { message: error.message, hint: error.hint, exitCode: 1 };
  const { code, path, message } = error as { code?: string; path?: string; message?: string };
  if (error instanceof FormatError) return fromFormat(error, path);
  // By name: with its class the whole finalizer would be loaded at every start.
  if ((error as Error).name === 'FinalizeError') {
    return {
      message: (error as Error).message,
      hint: 'try again when that has ended',
      exitCode: 1,
    };
  }
  const reason = code === undefined ? undefined : FILE_ERRORS[code];
  if (reason !== undefined && path !== undefined) {
    return { message: `${path}: ${reason}`, hint: FILE_HINTS[code ?? ''], exitCode: 1 };
  }
  return {
    message: `unexpected error: ${message ?? String(error)}`,
    hint: 'this should not happen; MEMTAPE_DEBUG=1 shows where, for a bug report',
    exitCode: 1,
  };
}

/** Errors of reading say which file it was. */
export function withPath(error: unknown, path: string): unknown {
  if (error instanceof FormatError || (error as NodeJS.ErrnoException).code !== undefined) {
    return Object.assign(error as Error, { path });
  }
  return error;
}

/** Says what went wrong in one line and a hint, and sets the exit code. */
export function reportError(error: unknown): void {
  const { message, hint, exitCode } = describe(error);
  process.stderr.write(`memtape: ${message.replaceAll(/\s*\n\s*/g, ' ')}\n`);
  if (hint !== undefined) process.stderr.write(`hint: ${hint}\n`);
  if (process.env['MEMTAPE_DEBUG']) process.stderr.write(`${(error as Error).stack}\n`);
  process.exitCode = exitCode;
}

/** `memtape parse x | head` ends without a word; losing stderr changes nothing. */
export function ignoreBrokenPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    reportError(Object.assign(error, { path: 'standard output' }));
    process.exit();
  });
  process.stderr.on('error', () => {});
}
