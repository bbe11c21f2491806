// SPDX-License-Identifier: MIT
import { describe, expect, test } from 'vitest';
import { statsReport } from '../../ts/report/stats.js';
import { recorded } from './recorded.js';

describe('statsReport', () => {
  test('adds up', () => {
    expect(recorded().stats).toMatchObject({
      total_num_allocations: 5,
      total_bytes_allocated: 5593,
      peak_memory: 4593,
      peak_time_ms: 1500,
      peak_rss: 9000,
      peak_reserved: 7000,
      leaked_bytes: 4090,
      leaked_allocations: 3,
      allocator_type_distribution: { MALLOC: 4, CALLOC: 1 },
      allocated_bytes_by_allocator: { MALLOC: 5090, CALLOC: 503 },
      truncated: false,
      warnings: [],
    });
  });

  test('top locations are the JavaScript lines, and native code where there is none', () => {
    const { stats } = recorded();
    expect(stats.top_allocations_by_size).toEqual([
      { location: 'alloc:node:buffer:400', size: 5001 },
      { location: 'parse:/app/node_modules/parser/index.js:40', size: 503 },
      { location: 'uv_fs_work', size: 89 },
    ]);
    expect(stats.top_allocations_by_count).toEqual([
      { location: 'alloc:node:buffer:400', count: 3 },
      { location: 'parse:/app/node_modules/parser/index.js:40', count: 1 },
      { location: 'uv_fs_work', count: 1 },
    ]);
    const program = { module: '(program)', num_allocations: 3, total_bytes: 5001 };
    const parser = { module: 'parser@1.2.3', num_allocations: 1, total_bytes: 503 };
    const rest = { module: '(Node.js and native code)', num_allocations: 1, total_bytes: 89 };
    expect(stats.top_modules_by_allocation_size).toEqual([program, parser, rest]);
    expect(stats.top_modules_by_allocation_count).toEqual([program, rest, parser]);
  });

  test('of a profile: allocators and locations are its own, the rest is of the whole run', () => {
    const { capture, ...input } = recorded();
    const whole = statsReport({ end: capture.end(), ...input });
    const profile = input.peak.live();
    const stats = statsReport({ end: capture.end(), ...input }, { profile });
    const modules = [
      { module: '(program)', num_allocations: 2, total_bytes: 4001 },
      { module: '(Node.js and native code)', num_allocations: 1, total_bytes: 89 },
    ];
    expect(stats).toEqual({
      ...whole,
      kind: 'leaked',
      allocator_type_distribution: { MALLOC: 3 },
      allocated_bytes_by_allocator: { MALLOC: 4090 },
      allocations_by_thread: [
        { thread: 'thread 1', num_allocations: 2, total_bytes: 4001 },
        { thread: 'thread 2', num_allocations: 1, total_bytes: 89 },
      ],
      top_allocations_by_size: [
        { location: 'alloc:node:buffer:400', size: 4001 },
        { location: 'uv_fs_work', size: 89 },
      ],
      top_allocations_by_count: [
        { location: 'alloc:node:buffer:400', count: 2 },
        { location: 'uv_fs_work', count: 1 },
      ],
      top_modules_by_allocation_size: modules,
      top_modules_by_allocation_count: modules,
    });
  });

  test('lists as many locations as asked for', () => {
    const { capture, ...input } = recorded();
    const stats = statsReport({ end: capture.end(), ...input }, { top: 1 });
    expect(stats.top_allocations_by_size).toHaveLength(1);
    expect(stats.top_allocations_by_count).toHaveLength(1);
    expect(stats.top_modules_by_allocation_size).toHaveLength(1);
  });

  test('metadata tell the program and how it ended', () => {
    const { stats } = recorded({
      metadata: {
        command: ['node', 'main.js'],
        cwd: '/app',
        node: 'v22.1.0',
        v8: '12.4',
        execArgv: ['--expose-gc'],
        options: { native: true },
        mainThread: 1,
        pid: 77,
      },
      trailer: { end: 'exit', durationNs: 2.5e9, exit: { code: 3, signal: null } },
    });
    expect(stats.metadata).toMatchObject({
      start_time: '2025-10-09T08:53:20.000Z',
      end_time: '2025-10-09T08:53:22.500Z',
      duration_ms: 2500,
      total_allocations: 5,
      peak_memory: 4593,
      command_line: 'node main.js',
      pid: 77,
      main_thread_id: 1,
      has_native_traces: true,
      node_version: 'v22.1.0',
      exec_argv: ['--expose-gc'],
      end: 'exit',
      exit_code: 3,
      exit_signal: null,
    });
  });

  test('a capture that was cut off says so, and its totals are what was read', () => {
    const { stats } = recorded({ trailer: null, bytesDropped: 12 });
    expect(stats.truncated).toBe(true);
    expect(stats.metadata).toMatchObject({ end: 'truncated', end_time: null, duration_ms: 2000 });
    expect(stats.peak_memory).toBe(4593);
    expect(stats.warnings).toEqual([
      'The capture was cut off: every number covers the first 2.000 s only.',
      '12 bytes could not be read.',
    ]);
  });

  test('is plain data', () => {
    const { stats } = recorded();
    expect(JSON.parse(JSON.stringify(stats))).toEqual(stats);
  });
});

describe('captureNotes', () => {
  const notesOf = (end: Parameters<typeof recorded>[0]) => recorded(end).stats;

  test('a peak that the writer counted otherwise is a warning', () => {
    expect(notesOf({ trailer: { peakBytes: 4593 } }).warnings).toEqual([]);
    expect(notesOf({ trailer: { peakBytes: 5000 } }).warnings).toEqual([
      'The writer counted a peak of 5.000kB, the log says 4.593kB.',
    ]);
  });

  test('a killed program, lost events and write errors are warnings', () => {
    const trailer = { end: 'signal', exit: { signal: 'SIGKILL' }, dropped: 1, error: 'disk full' };
    expect(notesOf({ trailer }).warnings).toEqual([
      'The program was killed by SIGKILL; what it had logged until then is here.',
      'Recording stopped early: disk full.',
      '1 event could not be logged.',
    ]);
  });

  test('missing JavaScript stacks are a warning, waiting is a note', () => {
    const { notes, warnings } = notesOf({
      metadata: { jsStacks: 'none', jsStacksReason: 'the self-test failed' },
      trailer: { stalls: 2, stallNs: 5e6 },
    });
    expect(warnings).toEqual(['JavaScript frames are missing: the self-test failed.']);
    expect(notes).toEqual(['The program waited 2 times for the log, 0.005 s in all.']);
  });

  test('frees that went unseen are a note when they are few, else a warning', () => {
    const { capture, ...input } = recorded();
    const end = capture.end();
    end.counts.missedFrees = 2;
    end.counts.allocations = 20_000;
    const text =
      '2 frees went unseen: those blocks counted as live until their address came again.';
    expect(statsReport({ end, ...input })).toMatchObject({ warnings: [], notes: [text] });
    end.counts.allocations = 19_999;
    expect(statsReport({ end, ...input })).toMatchObject({ warnings: [text], notes: [] });
  });

  test('optimized code needs no note: functions that V8 inlined are in the stacks', () => {
    const { capture, ...input } = recorded();
    capture.js('hot', '/app/hot.js', 1, 'turbofan');
    expect(statsReport({ end: capture.end(), ...input }).notes).toEqual([]);
  });
});
