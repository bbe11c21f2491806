// SPDX-License-Identifier: MIT
// Replaces a file in one step: until everything is on disk, the old one stays as it is.

import { randomBytes } from 'node:crypto';
import { type FileHandle, open, readdir, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

const MARK = 'finalizing';
/** This process's own, so that those of an earlier one with the same id can be told apart. */
const openPaths = new Set<string>();

export class SafeFile {
  readonly path: string;
  readonly #target: string;
  readonly #file: FileHandle;
  #position = 0;

  private constructor(target: string, path: string, file: FileHandle) {
    this.#target = target;
    this.path = path;
    this.#file = file;
  }

  /** Opens a new file beside `target`, which need not be a link. */
  static async create(target: string, mode: number): Promise<SafeFile> {
    await removeAbandoned(target);
    const path = `${target}.${process.pid}-${randomBytes(4).toString('hex')}.${MARK}`;
    const file = await open(path, 'wx', mode);
    openPaths.add(path);
    const safe = new SafeFile(target, path, file);
    try {
      // The creation mask may have taken permissions that the old file has.
      await file.chmod(mode);
      return safe;
    } catch (error) {
      await safe.discard();
      throw error;
    }
  }

  get size(): number {
    return this.#position;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.#file.write(bytes, done);
      done += bytesWritten;
      this.#position += bytesWritten;
    }
  }

  /** Makes the new file the target. */
  async commit(): Promise<void> {
    await this.#file.sync();
    await this.#file.close();
    await rename(this.path, this.#target);
    openPaths.delete(this.path);
    await syncFolder(dirname(this.#target));
  }

  /** Removes the new file; the target is untouched. */
  async discard(): Promise<void> {
    await this.#file.close();
    await unlink(this.path).catch(() => {});
    openPaths.delete(this.path);
  }
}

/** A process that died in the middle left its file. */
async function removeAbandoned(target: string): Promise<void> {
  const prefix = `${basename(target)}.`;
  for (const name of await readdir(dirname(target))) {
    if (!name.startsWith(prefix) || !name.endsWith(`.${MARK}`)) continue;
    const path = join(dirname(target), name);
    const pid = Number.parseInt(name.slice(prefix.length), 10);
    const isOwn = pid === process.pid && openPaths.has(path);
    if (isOwn || !(pid > 0) || (pid !== process.pid && isAlive(pid))) continue;
    await unlink(path).catch(() => {});
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}

/** Makes the rename itself durable, where folders can be synced. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // Not every file system can; the content is safe either way.
  }
}
