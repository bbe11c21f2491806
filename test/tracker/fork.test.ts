// SPDX-License-Identifier: MIT
// An addon that calls fork: the parent's recording says which line did; the child is not recorded, and harms nothing that its
// parent records. It has no JavaScript: V8 keeps its heap from being inherited.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fanout } from '../../ts/aggregate/fanout.js';
import type { Consumer } from '../../ts/decode/consumer.js';
import { readCapture } from '../../ts/decode/read-capture.js';
import type { ForkRecord } from '../../ts/format/records.js';
import { frameNames } from '../../ts/model/frame-names.js';
import { folderOf } from '../support/folder.js';
import { checkBundle, finish, memtape, top } from '../support/memtape.js';
import { compile } from '../support/native.js';
import { nodes } from '../support/nodes.js';
import { recordingEnvironment } from '../support/recording.js';

/** Sizes that nothing else has. */
const BEFORE = 3_000_017;
const IN_CHILD = 4_000_037;
const AFTER = 5_000_011;
const ROUNDS = 2000;

/** Exports a function: forks, waits for the child and returns what it said, a bit for each step. */
const ADDON = `
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "hooks/core_api.h"

static const memtape::CoreApi* Core() {
  void* found = dlsym(RTLD_DEFAULT, "memtape_core_api");
  if (found == nullptr) {  // as a Tracker has loaded it
    void* library = dlopen(LIBRARY, RTLD_NOW | RTLD_NOLOAD);
    found = library == nullptr ? nullptr : dlsym(library, "memtape_core_api");
  }
  return found == nullptr ? nullptr : reinterpret_cast<const memtape::CoreApi* (*)()>(found)();
}

static int Child(const memtape::CoreApi* core, bool record) {
  void* volatile block = malloc(${IN_CHILD});
  free(block);
  for (int i = 0; i < ${ROUNDS}; i++) free(malloc(100 + i));
  munmap(mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1 << 20);
  memtape::CoreSummary summary = {};
  int said = core->active() ? 1 : 0;
  core->mark("in the child", 12);
  core->detach_isolate();
  if (core->stop(&summary)) said |= 2;
  if (!record) return said;
  memtape::CoreStartOptions options = {};
  options.path = "child.bin";
  options.interval_ms = 10;
  int error = 0;
  if (core->start(&options, &error) != nullptr) said |= 4;
  block = malloc(${IN_CHILD});
  if (!core->stop(&summary) || summary.live_bytes < ${IN_CHILD}) said |= 8;
  return said;
}

extern "C" {
int napi_create_function(void*, const char*, size_t, void* (*)(void*, void*), void*, void**);
int napi_create_int32(void*, int, void**);
static void* Fork(void* env, void*) {
  const memtape::CoreApi* core = Core();
  int status = 0;
  for (int round = 0; round < 3 && status == 0; round++) {
    const pid_t pid = fork();
    if (pid == 0) _exit(Child(core, round == 2));
    waitpid(pid, &status, 0);
  }
  void* result = nullptr;
  napi_create_int32(env, WIFEXITED(status) ? WEXITSTATUS(status) : -1, &result);
  return result;
}
void* napi_register_module_v1(void* env, void*) {
  void* exported = nullptr;
  napi_create_function(env, "fork", 4, Fork, nullptr, &exported);
  return exported;
}
int node_api_module_get_api_version_v1() { return 9; }
}`;

class Watcher implements Consumer {
  readonly sizes: number[] = [];
  readonly forks: ForkRecord[] = [];
  onFork(fork: ForkRecord): void {
    this.forks.push(fork);
  }
  onAlloc(_stack: number, size: number): void {
    if ([BEFORE, IN_CHILD, AFTER].includes(size)) this.sizes.push(size);
  }
}

async function watched(capture: string) {
  const watcher = new Watcher();
  const { truncated, bytesDropped, counts, tables } = await readCapture(capture, fanout([watcher]));
  const lines = watcher.forks.map(({ stack }) => {
    const frames = tables.stackFrames(stack).flatMap((id) => frameNames(tables, id));
    return frames.find(({ kind }) => kind === 'js')?.line;
  });
  const pids = new Set(watcher.forks.map(({ pid }) => pid)).size;
  const forks = { lines, pids, counted: counts.forks };
  return { sizes: watcher.sizes, truncated, bytesDropped, missed: counts.missedFrees, forks };
}

const FORK_LINE = 5;
const whole = {
  sizes: [BEFORE, AFTER],
  truncated: false,
  bytesDropped: 0,
  missed: 0,
  forks: { lines: Array(3).fill(FORK_LINE), pids: 3, counted: 3 },
};

describe.each(nodes())('a bare fork on Node.js $version', ({ path: node }) => {
  test.each(['Tracker', 'preload library'])('under a %s: the child is not recorded', async (by) => {
    checkBundle();
    const capture = 'parent.bin';
    const begin = `const tracker = new (require(${JSON.stringify(`${top}dist/cjs/index.js`)}).Tracker)('${capture}')`;
    const cwd = folderOf({
      'fork.cc': ADDON,
      'app.cjs': `const addon = { exports: {} };
        process.dlopen(addon, require('path').resolve('fork.node'));
        ${by === 'Tracker' ? begin : ''}
        globalThis.kept = [Buffer.alloc(${BEFORE})];
        console.log(addon.exports());
        kept.push(Buffer.alloc(${AFTER}));
        ${by === 'Tracker' ? 'console.log(tracker.stop().error)' : 'console.log(null)'}`,
    });
    const { LD_PRELOAD: library } = recordingEnvironment('');
    const flags = ['-std=c++20', '-shared', '-fPIC', `-I${top}cpp`, `-DLIBRARY="${library}"`];
    compile(join(cwd, 'fork.cc'), join(cwd, 'fork.node'), ...flags);
    const env = by === 'Tracker' ? {} : recordingEnvironment(join(cwd, capture));
    const { status, stdout, stderr } = finish(node, ['app.cjs'], { cwd, env });
    expect({ status, stderr, stdout }).toEqual({ status: 0, stderr: '', stdout: '0\nnull\n' });
    const files = ['app.cjs', 'child.bin', 'fork.cc', 'fork.node', capture];
    expect(readdirSync(cwd).sort()).toEqual(files);
    expect(await watched(join(cwd, capture))).toEqual(whole);
    expect(await watched(join(cwd, 'child.bin'))).toMatchObject({ sizes: [IN_CHILD] });
    expect(memtape(['parse', capture], { cwd }).stdout).not.toContain('in the child');
  });
});
