// SPDX-License-Identifier: MIT
import { describe, expect, test } from 'vitest';
import { NamedStacks } from '../../ts/model/named-stacks.js';
import { v8RoleOf } from '../../ts/model/v8-roles.js';
import { CaptureBuilder } from './capture-builder.js';

describe('v8RoleOf', () => {
  test.each([
    ['v8::internal::OptimizingCompileDispatcher::CompileTask::RunInternal()', 'V8 compiler'],
    [
      'v8::internal::maglev::MaglevConcurrentDispatcher::JobTask::Run(v8::JobDelegate*)',
      'V8 compiler',
    ],
    ['v8::internal::AllocAtLeastWithRetry(unsigned long)', 'V8 compiler'],
    ['v8::internal::ScavengerJobTask::Run(v8::JobDelegate*)', 'V8 scavenger'],
    ['v8::internal::ConcurrentMarking::JobTaskMajor::Run(v8::JobDelegate*)', 'V8 marker'],
    ['v8::internal::Sweeper::MajorSweeperJob::Run(v8::JobDelegate*)', 'V8 sweeper'],
    ['v8::internal::PageEvacuationJob::Run(v8::JobDelegate*)', 'V8 mark-compact'],
    // Several roles call these.
    ['v8::internal::Sweeper::AddSweptPage(v8::internal::NormalPage*)', null],
    ['v8::internal::Sweeper::LocalSweeper::ParallelSweepSpace(int, int)', null],
    ['v8::internal::MarkingWorklists::Local::Push(v8::internal::Tagged<int>)', null],
    ['v8::internal::MemoryAllocator::AllocatePage(v8::internal::Space*)', null],
    ['v8::platform::DefaultJobWorker::Run()', null],
    ['Scavenger::Process()', null],
  ])('%s', (name, role) => {
    expect(v8RoleOf(name)).toBe(role);
  });
});

describe('stacks of V8’s threads', () => {
  const job = 'v8::internal::ScavengerJobTask::Run(v8::JobDelegate*)';
  const zone = 'v8::internal::AllocAtLeastWithRetry(unsigned long)';
  const start = 'v8::platform::DefaultJobWorker::Run()';
  const label = '(V8 platform)';
  const native = (capture: CaptureBuilder, name: string) =>
    capture.native('/bin/node', name.length, name);

  /** The frames of a stack, leaf first, and its role. */
  function shown(make: (capture: CaptureBuilder) => number[]) {
    const capture = new CaptureBuilder();
    const stack = capture.stack(make(capture));
    const stacks = new NamedStacks(capture.tables);
    const names = stacks.path(stack).map((id) => stacks.frames.get(id).name);
    const rows = {
      size: 1,
      stack: Uint32Array.of(stack),
      thread: new Uint32Array(1),
      allocator: new Uint8Array(1),
      bytes: Float64Array.of(1),
      count: Float64Array.of(1),
    };
    const tree = stacks.tree(rows);
    const inTree = Array.from(
      tree.frame.subarray(1, tree.size),
      (id) => stacks.frames.get(id).name,
    );
    return { role: stacks.v8Role(stack), names, inTree: inTree.reverse() };
  }

  test('the outermost frame that has a role decides, and a label stands before it', () => {
    const made = shown((capture) => [
      native(capture, zone),
      native(capture, job),
      native(capture, start),
      capture.label(label),
    ]);
    const names = [zone, job, '(V8 scavenger)', start, label];
    expect(made).toEqual({ role: 'V8 scavenger', names, inTree: names });
  });

  test('one frame is enough where only one role calls it', () => {
    const made = shown((capture) => [native(capture, zone), capture.label(label)]);
    const names = [zone, '(V8 compiler)', label];
    expect(made).toEqual({ role: 'V8 compiler', names, inTree: names });
  });

  test('other threads work for their own lines', () => {
    const made = shown((capture) => [native(capture, zone), capture.js('main', '/a.js', 1)]);
    expect(made).toEqual({ role: null, names: [zone, 'main'], inTree: [zone, 'main'] });
  });
});
