// SPDX-License-Identifier: MIT
// Where a capture goes: path templates, default names, and the checks before anything starts.
import { accessSync, closeSync, constants, openSync, statSync, unlinkSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { NativeError } from '../native/native-error.js';
import { UsageError } from './usage-error.js';

export interface FileDestinationOptions {
  /** Replace an existing file. Default: false, an existing file is an error. */
  readonly overwrite?: boolean;
}

/** A capture file. `%p` in the path becomes the process id, `%t` the Unix time in seconds, `%%` `%`. */
export class FileDestination {
  readonly path: string;
  readonly overwrite: boolean;

  constructor(path: string, options: FileDestinationOptions = {}) {
    if (typeof path !== 'string' || path === '') {
      throw new UsageError(`the path of a capture must be a non-empty string, got ${show(path)}`);
    }
    this.path = path;
    this.overwrite = options.overwrite ?? false;
  }
}

export function show(value: unknown): string {
  return typeof value === 'string' ? `"${value}"` : `${String(value)} (${typeof value})`;
}

export interface TemplateValues {
  readonly pid?: number;
  readonly unixSeconds?: number;
}

/** Fills in what is known; a placeholder without a value stays. */
export function expandTemplate(template: string, values: TemplateValues): string {
  return template.replace(/%([pt%])/g, (all, key: string) => {
    if (key === '%') return values.pid === undefined ? all : '%';
    const value = key === 'p' ? values.pid : values.unixSeconds;
    return value === undefined ? all : String(value);
  });
}

/** A text that expands to itself. */
export const escapeTemplate = (text: string): string => text.replaceAll('%', '%%');

/** `memtape-<name>.%p.bin`: the name of a capture when none is given. */
export function defaultTemplate(program: string): string {
  const name = basename(program, extname(program)).replaceAll(/[^\w.+@-]/g, '_');
  return `memtape-${name === '' ? 'node' : name}.%p.bin`;
}

/** The template as an absolute one; a `%` in the working directory's own name means itself. */
export function absoluteTemplate(template: string, cwd = process.cwd()): string {
  return resolve(template) === template ? template : join(escapeTemplate(cwd), template);
}

/**
 * Refuses what cannot be written, before the program to be recorded starts.
 * A path that still holds `%p` is not known yet: only its folder is checked.
 * @throws NativeError `EEXIST`, `ENOENT`, `ENOTDIR`, `EISDIR`, `EACCES`, `EROFS`
 */
export function checkOutput(template: string, overwrite: boolean): void {
  const known = !/(?<!%)(?:%%)*%p/.test(template);
  const path = expandTemplate(template, known ? { pid: 0 } : {});
  const folder = dirname(path);
  const refuse = (code: string, reason: string, hint = 'choose another place with -o'): never => {
    throw new NativeError(`cannot write ${path}: ${reason}`, { code, hint });
  };
  const parent = statSync(folder, { throwIfNoEntry: false });
  if (parent === undefined) refuse('ENOENT', `there is no folder ${folder}`, `mkdir -p ${folder}`);
  if (!parent?.isDirectory()) refuse('ENOTDIR', `${folder} is not a folder`);
  const existing = known ? statSync(path, { throwIfNoEntry: false }) : undefined;
  if (existing?.isDirectory())
    refuse('EISDIR', 'it is a folder', `try ${join(path, 'capture.bin')}`);
  if (existing && !existing.isFile()) refuse('ENOTSUP', 'it is not a regular file');
  if (existing && !overwrite) {
    const hint = 'choose another name, or overwrite it with -f (in JavaScript: overwrite: true)';
    refuse('EEXIST', 'it exists already', hint);
  }
  try {
    if (existing) accessSync(path, constants.W_OK);
    else tryToCreate(known ? path : join(folder, `.memtape-${process.pid}`));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    refuse(code ?? 'EACCES', REASONS[code ?? ''] ?? 'no permission');
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EROFS: 'the disk is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: "the user's share of the disk is used up",
  ENAMETOOLONG: 'the name is too long',
  ENOENT: 'no file can be created there',
};

/** What permissions do not say: /proc takes no files, not even from root. */
function tryToCreate(path: string): void {
  closeSync(openSync(path, 'wx'));
  unlinkSync(path);
}
