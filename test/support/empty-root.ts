// SPDX-License-Identifier: MIT
// A root directory that holds nothing but Node.js and memtape: what a report says there, it says by the capture alone.
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { lastingFolder } from './folder.js';
import { type Finished, finishing, top } from './memtape.js';
import { run } from './native.js';

/** How to make a folder the root, as root or in a namespace of our own; '' where the system allows neither. */
export const [enter, ...enterArgs]: readonly string[] = [
  ['chroot'],
  ['unshare', '-r', 'chroot'],
].find(([command = '', ...args]) => {
  return spawnSync(command, [...args, '/', process.execPath, '-e', '']).status === 0;
}) ?? [''];

const CLI = '/memtape/dist/cli.js';

export class EmptyRoot {
  readonly folder = lastingFolder();

  constructor() {
    const node = realpathSync(process.execPath);
    this.#copy(node, '/node');
    // `/lib64/ld-linux.so.2 (0x…)`, `libm.so.6 => /lib/libm.so.6 (0x…)`
    const libraries = run('ldd', node).matchAll(/(\/\S+) \(0x/g);
    for (const [, library = ''] of libraries) this.#copy(library, library);
    cpSync(`${top}dist`, join(this.folder, dirname(CLI)), { recursive: true });
    this.#copy(`${top}package.json`, '/memtape/package.json');
    mkdirSync(join(this.folder, '/memtape/prebuilds')); // without any
  }

  /** What a capture is called there. */
  static pathOf(capture: string): string {
    return `/captures/${basename(capture)}`;
  }

  add(capture: string): void {
    this.#copy(capture, EmptyRoot.pathOf(capture));
  }

  /** Runs memtape where nothing but the captures is. */
  memtape(args: readonly string[]): Promise<Finished> {
    return finishing(enter ?? '', [...enterArgs, this.folder, '/node', CLI, ...args]);
  }

  #copy(from: string, to: string): void {
    const path = join(this.folder, to);
    mkdirSync(dirname(path), { recursive: true });
    copyFileSync(from, path);
  }
}
