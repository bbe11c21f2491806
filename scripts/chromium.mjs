// SPDX-License-Identifier: MIT
// The Chromium that is installed, and how it is started where there is neither a screen nor anything to fetch.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

export const chromiumFlags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** @returns {string | undefined} its path */
export function findChromium() {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  for (const name of NAMES) {
    for (const folder of folders) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // the next one
      }
    }
  }
  return undefined;
}

/** @returns {string} */
export function chromiumPath() {
  const path = findChromium();
  if (path !== undefined) return path;
  throw new Error('This needs Chromium on the PATH (Debian: apt-get install chromium)');
}
