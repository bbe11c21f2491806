// SPDX-License-Identifier: MIT
// What a library's constructors allocate, when nobody has its tables yet, is charged to the line that loaded the library.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folderOf } from '../support/folder.js';
import { run } from '../support/native.js';
import { headersOf, nodes } from '../support/nodes.js';
import { readRecording, record } from '../support/recording.js';

const SIZE = 5_000_017;
const ADDON = `#include <node_api.h>
#include <cstdlib>
static void* volatile kept;
__attribute__((noinline)) static void* Register() { return std::malloc(${SIZE}); }
__attribute__((constructor)) static void RegisterTypes() { kept = Register(); }
NAPI_MODULE_INIT() { return exports; }
`;
const PROGRAM = `function loadIt() {
  require('./early.node');
}
loadIt();
`;
const include = nodes()
  .map(headersOf)
  .find((path) => path !== undefined);

test
  .skipIf(include === undefined)
  .each(
    nodes().flatMap(({ path, version }) => ['0', '1'].map((native) => ({ path, version, native }))),
  )('on Node.js $version, native stacks: $native', async ({ path, native }) => {
  const folder = folderOf({ 'early.cc': ADDON, 'app.cjs': PROGRAM });
  const [source, addon] = [join(folder, 'early.cc'), join(folder, 'early.node')];
  run('g++', '-O1', '-shared', '-fPIC', `-I${include}`, '-o', addon, source);
  const settings = native === '1' ? { MEMTAPE_NATIVE: '1' } : {};
  const { capture, status } = record(path, [join(folder, 'app.cjs')], { folder, settings });
  expect(status).toBe(0);
  const recording = await readRecording(capture, [SIZE]);
  const stacks = [...recording.stacksOfSize(SIZE)];
  expect(stacks.map(([, count]) => count)).toEqual([1]);
  const frames = recording.frames(stacks[0]?.[0] ?? 0);
  expect(frames[0]?.file).toBe(addon);
  const own = frames.filter(({ file }) => file === join(folder, 'app.cjs'));
  expect(own.map(({ name, line }) => `${name}:${line}`)).toEqual(['loadIt:2', '(anonymous):4']);
});
