// SPDX-License-Identifier: MIT
// The pipeline's arrows: a folder of cpp/ or ts/ uses only itself and folders with a lower number.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, extname, join, posix, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './sources.mjs';

/** Folder numbers; cpp/README.md and ts/README.md say what each folder is for. */
export const layers = {
  cpp: { base: 0, format: 1, os: 1, log: 2, stack: 2, v8: 3, track: 4, hooks: 5, binding: 6 },
  ts: {
    format: 1,
    native: 1,
    tracker: 2,
    decode: 2,
    model: 2,
    resolve: 3,
    aggregate: 4,
    report: 5,
    html: 6,
    tui: 6,
    text: 6,
    capture: 7,
    cli: 8,
  },
};

/** The public API: re-exports from every folder. */
const entryPoints = ['ts/index.ts'];
/** One binary serves every Node.js version because only N-API is used, and only by the addon. */
const nodeHeader = /^(napi|node_api|js_native_api|node|v8|v8-.*|uv)\.h$/;

const uses = {
  cpp: /^[ \t]*#[ \t]*include[ \t]+(?:"([^"]+)"|<([^>]+)>)/gm,
  ts: /(?:\bfrom|\bimport|\bimport\(|\brequire\()\s*'(\.[^']*)'/g,
};
const extensions = { cpp: ['.h', '.cc'], ts: ['.ts', '.cts'] };

/**
 * @param {'cpp' | 'ts'} side
 * @param {string} file path from the top, such as ts/cli/main.ts
 * @param {string} text
 * @returns {string[]} violations
 */
function checkFile(side, file, text) {
  /** @type {Record<string, number>} */
  const numbers = layers[side];
  const folder = file.split('/')[1] ?? '';
  const own = entryPoints.includes(file) ? Number.POSITIVE_INFINITY : numbers[folder];
  if (own === undefined) return [`${file}: ${side}/${folder} has no number in check-layers.mjs`];
  const violations = [];
  for (const match of text.matchAll(uses[side])) {
    const [, name = '', system = ''] = match;
    const line = text.slice(0, match.index).split('\n').length;
    if (side === 'cpp' && nodeHeader.test(system || name) && folder !== 'binding') {
      violations.push(`${file}:${line}: only cpp/binding may include ${system || name}`);
    }
    if (name === '') continue;
    const target = side === 'cpp' ? posix.join(side, name) : posix.join(dirname(file), name);
    const used = target.split('/')[1] ?? '';
    if (!target.startsWith(`${side}/`)) {
      violations.push(`${file}:${line}: ${name} leaves ${side}/`);
    } else if (used !== folder && !((numbers[used] ?? Number.POSITIVE_INFINITY) < own)) {
      violations.push(
        `${file}:${line}: ${folder} (${own}) must not use ${used} (${numbers[used]})`,
      );
    }
  }
  return violations;
}

/**
 * @param {string} [top] the folder that holds cpp/ and ts/
 * @returns {{ files: number, violations: string[] }}
 */
export function checkLayers(top = root) {
  const result = { files: 0, violations: /** @type {string[]} */ ([]) };
  for (const side of /** @type {const} */ (['cpp', 'ts'])) {
    const entries = readdirSync(join(top, side), { recursive: true, withFileTypes: true });
    for (const entry of entries) {
      if (!entry.isFile() || !extensions[side].includes(extname(entry.name))) continue;
      const path = join(entry.parentPath ?? entry.path, entry.name);
      const file = relative(top, path).replaceAll(sep, '/');
      result.files++;
      result.violations.push(...checkFile(side, file, readFileSync(path, 'utf8')));
    }
  }
  return result;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { files, violations } = checkLayers();
  for (const violation of violations) console.error(violation);
  if (violations.length > 0) process.exit(1);
  console.log(`layers: ${files} files in order`);
}
