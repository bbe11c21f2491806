// SPDX-License-Identifier: MIT
// Where this package is installed: the folder that holds prebuilds/ or build/Release/, and dist/.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

let found: string | undefined;

/** Walks up from this module, which lies at different depths in ts/, dist/, dist/chunks/ and dist/cjs/. */
export function packageRoot(): string {
  if (found !== undefined) return found;
  let folder = dirname(fileURLToPath(import.meta.url));
  // dist/cjs has a package.json of its own, so the name of the folder's children decides.
  while (!existsSync(join(folder, 'prebuilds')) && !existsSync(join(folder, 'binding.gyp'))) {
    const parent = dirname(folder);
    if (parent === folder)
      throw new Error('memtape is not installed as a whole: no prebuilds folder');
    folder = parent;
  }
  found = folder;
  return folder;
}
