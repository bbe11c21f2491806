// SPDX-License-Identifier: MIT
// Builds examples/native-addon/build/Release/matcher.node, unless it is newer than its sources.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runGyp } from './build-native.mjs';
import { root } from './sources.mjs';

const folder = join(root, 'examples/native-addon');
/** @param {string} file */
const changed = (file) => statSync(join(folder, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;

export function buildExamples() {
  const built = changed('build/Release/matcher.node');
  const sources = readdirSync(folder).filter((file) => /\.(cc|h|gyp)$/.test(file));
  if (sources.every((file) => changed(file) < built)) return;
  runGyp(['rebuild', `--directory=${folder}`]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) buildExamples();
