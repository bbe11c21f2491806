// SPDX-License-Identifier: MIT
// Builds build/Release/memtape.node and libmemtape.so with node-gyp.
import { existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { needTools, run } from './setup.mjs';
import { root } from './sources.mjs';

const require = createRequire(import.meta.url);
const gyp = require.resolve('node-gyp/bin/node-gyp.js');

/** The headers that came with the running Node, if they did: then nothing is downloaded. */
export function nodeDirArgs() {
  const prefix = dirname(dirname(process.execPath));
  const complete = ['node_api.h', 'common.gypi', 'config.gypi'].every((file) =>
    existsSync(join(prefix, 'include/node', file)),
  );
  return complete ? [`--nodedir=${prefix}`] : [];
}

/** The folder with node_api.h: of the running Node's own prefix, else what node-gyp downloads. */
export function nodeHeaders() {
  const [nodeDir] = nodeDirArgs();
  if (nodeDir !== undefined) return join(nodeDir.replace('--nodedir=', ''), 'include/node');
  const devDir = join(homedir(), '.cache/node-gyp');
  const headers = join(devDir, process.versions.node, 'include/node');
  if (!existsSync(headers)) {
    run(process.execPath, [gyp, 'install', `--devdir=${devDir}`, '--loglevel=warn']);
  }
  return headers;
}

function configured() {
  const makefile = join(root, 'build/Makefile');
  if (!existsSync(makefile)) return false;
  const built = statSync(makefile).mtimeMs;
  return ['binding.gyp', 'cpp/sources.txt'].every(
    (file) => statSync(join(root, file)).mtimeMs < built,
  );
}

export function buildNative() {
  needTools(['g++', 'make', 'python3']);
  const commands = configured() ? ['build'] : ['configure', 'build'];
  for (const command of commands) runGyp([command, '--jobs=max']);
}

/** @param {string[]} args */
export function runGyp(args) {
  run(process.execPath, [gyp, ...args, '--release', '--loglevel=warn', ...nodeDirArgs()]);
}
