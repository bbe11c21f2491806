// SPDX-License-Identifier: MIT
// Reads cpp/sources.txt, the one list of C++ files; `node scripts/sources.mjs core` prints a target's.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

export const targets = ['core', 'preload', 'addon'];

/**
 * @param {string} text
 * @returns {{ target: string, path: string }[]}
 */
export function parseSources(text) {
  const sources = [];
  for (const [index, line] of text.split('\n').entries()) {
    const words = line.replace(/#.*/, '').trim().split(/\s+/);
    if (words[0] === '') continue;
    const [target, path] = words;
    if (words.length !== 2 || !target || !path || !targets.includes(target)) {
      throw new Error(
        `cpp/sources.txt:${index + 1}: expected "${targets.join('|')} path", got "${line}"`,
      );
    }
    sources.push({ target, path });
  }
  return sources;
}

export const readSources = () => parseSources(readFileSync(join(root, 'cpp/sources.txt'), 'utf8'));

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const { target, path } of readSources()) {
    if (process.argv.slice(2).includes(target)) console.log(`cpp/${path}`);
  }
}
