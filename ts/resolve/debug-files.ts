// SPDX-License-Identifier: MIT
// A module's own file and the file that its debug information was put into, each only if it is what was loaded.
import { statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { crc32 } from './crc32.js';
import { cachedDebugFile } from './debuginfod.js';
import { ElfError, ElfFile, SECTION_TYPE } from './elf-file.js';
import type { ModuleId } from './native.js';
import { VDSO } from './vdso.js';

export interface DebugFilesOptions {
  /** Folders that hold `.build-id/xx/yyyy.debug`. */
  readonly debugRoots?: readonly string[];
  /** Of files without a build-id those that changed later are not what was loaded. */
  readonly endedAtMs?: number;
}

/** `changed`: no longer the one that was loaded. */
export type FileState = 'changed' | 'missing' | 'unreadable';

export interface ModuleFiles {
  readonly own: ElfFile | FileState;
  readonly debug: ElfFile | null;
}

const DEBUG_ROOTS = ['/usr/lib/debug'];
const MTIME_SLACK_MS = 2000;

export function openModuleFiles(id: ModuleId, options: DebugFilesOptions = {}): ModuleFiles {
  const own = openOwn(id, options);
  if (own instanceof ElfFile && hasLines(own)) return { own, debug: null };
  return { own, debug: openDebug(id, own, options.debugRoots ?? DEBUG_ROOTS) };
}

/** Whether lines are to be had without asking anybody. */
export function hasDebugFile(id: ModuleId, options: DebugFilesOptions = {}): boolean {
  const { own, debug } = openModuleFiles(id, options);
  const found = debug !== null || (own instanceof ElfFile && hasLines(own));
  if (own instanceof ElfFile) own.close();
  debug?.close();
  return found;
}

/** Of a file that has lost its debug information, the section headers may be left. */
export function hasLines(file: ElfFile): boolean {
  const filled = (name: string) =>
    (file.section(name)?.type ?? SECTION_TYPE.nobits) !== SECTION_TYPE.nobits;
  return filled('.debug_info') || filled('.zdebug_info');
}

function openOwn(
  { path, buildId }: ModuleId,
  { endedAtMs }: DebugFilesOptions,
): ElfFile | FileState {
  const file = openElf(path);
  if (!(file instanceof ElfFile)) return file;
  const late = (endedAtMs ?? Number.POSITIVE_INFINITY) + MTIME_SLACK_MS;
  const same = buildId === '' ? file.modifiedMs <= late : file.buildId === buildId;
  if (same) return file;
  file.close();
  return 'changed';
}

/** Found by build-id, so it serves even when the module's own file is gone. */
function openDebug(
  id: ModuleId,
  own: ModuleFiles['own'],
  roots: readonly string[],
): ElfFile | null {
  const file = own instanceof ElfFile ? own : null;
  const buildId = id.buildId || (file?.buildId ?? '');
  if (/^[0-9a-f]{6,}$/.test(buildId)) {
    const name = join('.build-id', buildId.slice(0, 2), `${buildId.slice(2)}.debug`);
    for (const path of [...roots.map((root) => join(root, name)), cachedDebugFile(buildId)]) {
      const found = openElf(path);
      if (!(found instanceof ElfFile)) continue;
      if (found.buildId === buildId) return found;
      found.close();
    }
  }
  try {
    return file && openLinked(file, buildId, roots);
  } catch (error) {
    if (error instanceof ElfError) return null;
    throw error;
  }
}

/** The file that `.gnu_debuglink` names, in the three places where debuggers look for it. */
function openLinked(own: ElfFile, buildId: string, roots: readonly string[]): ElfFile | null {
  const link = readLink(own);
  if (!link) return null;
  const home = dirname(own.path);
  const homes = [home, join(home, '.debug'), ...roots.map((root) => join(root, home))];
  for (const folder of homes) {
    const found = openElf(join(folder, link.name));
    if (!(found instanceof ElfFile)) continue;
    const same = buildId === '' ? crc32(found) === link.crc : found.buildId === buildId;
    if (same) return found;
    found.close();
  }
  return null;
}

function readLink(file: ElfFile): { name: string; crc: number } | null {
  const section = file.section('.gnu_debuglink');
  if (!section || section.size < 8) return null;
  const data = file.sectionData(section);
  if (data.byteLength < 8) return null;
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const end = bytes.indexOf(0);
  if (end <= 0) return null;
  const name = basename(bytes.toString('utf8', 0, end));
  return { name, crc: data.getUint32(data.byteLength - 4, true) };
}

function openElf(path: string): ElfFile | 'missing' | 'unreadable' {
  try {
    // A pipe must not even be opened.
    if (path !== VDSO && !statSync(path).isFile()) return 'unreadable';
    return new ElfFile(path);
  } catch (error) {
    return error instanceof ElfError || !isMissing(error) ? 'unreadable' : 'missing';
  }
}

function isMissing(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOENT' || code === 'ENOTDIR';
}
