// SPDX-License-Identifier: MIT
// Folders of files that go when a test ends.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, onTestFinished } from 'vitest';

function newFolder(): string {
  return realpathSync(mkdtempSync(join(tmpdir(), 'memtape-test-')));
}

function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

export function temporaryFolder(): string {
  const folder = newFolder();
  onTestFinished(() => remove(folder));
  return folder;
}

const lasting: string[] = [];
afterAll(() => lasting.splice(0).forEach(remove));

/** A folder that goes when all tests of the file have ended. */
export function lastingFolder(): string {
  const folder = newFolder();
  lasting.push(folder);
  return folder;
}

/** A temporary folder with these files in it, by relative path. */
export function folderOf(files: Readonly<Record<string, string | Uint8Array>>): string {
  return filled(temporaryFolder(), files);
}

/** The same for all tests of the file. */
export function lastingFolderOf(files: Readonly<Record<string, string | Uint8Array>>): string {
  return filled(lastingFolder(), files);
}

function filled(folder: string, files: Readonly<Record<string, string | Uint8Array>>): string {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  return folder;
}
