// SPDX-License-Identifier: MIT
// Every format of a capture whose numbers can be added up by hand; test/cli/transform.test.ts opens
// them with the programs that they are for.
import { gunzipSync } from 'node:zlib';
import { Profile as Pprof } from 'pprof-format';
import { describe, expect, test } from 'vitest';
import type { Profile } from '../../../ts/model/profile.js';
import { collapsed } from '../../../ts/report/export/collapsed.js';
import { csv } from '../../../ts/report/export/csv.js';
import { EXPORT_FORMATS } from '../../../ts/report/export/formats.js';
import { gprof2dot } from '../../../ts/report/export/gprof2dot.js';
import { heapprofile } from '../../../ts/report/export/heapprofile.js';
import { pprof } from '../../../ts/report/export/pprof.js';
import { speedscope } from '../../../ts/report/export/speedscope.js';
import { traceEvents } from '../../../ts/report/export/trace-events.js';
import { exportInput, textOf } from './export-input.js';

const LOADING =
  'main (/app/main.js:3);load (/app/load.js:14);alloc (node:buffer:400);node::Allocate() (/usr/bin/node)';
const PARSE = 'parse (/app/node_modules/parser/index.js:40)';
const PARSING = `main (/app/main.js:3);${PARSE};${PARSE};node::Allocate() (/usr/bin/node)`;

test('collapsed: one stack a line, root first, the largest first', () => {
  expect(textOf(collapsed(exportInput().input))).toBe(
    [`${LOADING} 4001`, `${PARSING} 503`, 'uv_fs_work (/usr/bin/node) 89', ''].join('\n'),
  );
});

test('collapsed: what separates frames is not in their names', () => {
  const { from, input } = exportInput();
  const evil = from.capture.stack([from.capture.js('a;b 7\nc', '/x;y.js', 1)]);
  from.feed.alloc(evil, 5000);
  const [first] = textOf(collapsed({ ...input, profile: from.peak.peak() })).split('\n');
  expect(first).toBe('a:b 7\ufffdc (/x:y.js:1) 5000');
});

test("csv: memray's columns, frames leaf first", () => {
  const [heading, first, second, third, ...rest] = textOf(csv(exportInput().input)).split('\n');
  expect(heading).toBe('allocator,num_allocations,size,tid,thread_name,stack_trace');
  expect(first).toBe(
    'malloc,2,4001,0,thread 1,node::Allocate();/usr/bin/node;0|alloc;node:buffer;400|' +
      'load;/app/load.js;14|main;/app/main.js;3',
  );
  expect(second).toMatch(/^calloc,1,503,0,thread 1,node::Allocate\(\);/);
  expect(third).toBe('malloc,1,89,0,thread 2,uv_fs_work;/usr/bin/node;0');
  expect(rest).toEqual(['']);
});

test('gprof2dot: lines of one function are one function', () => {
  const json = JSON.parse(textOf(gprof2dot(exportInput().input)));
  const names = json.functions.map(({ name }: { name: string }) => name);
  const { callchain, cost } = json.events[1];
  expect(callchain.map((id: number) => names[id])).toEqual([
    'node::Allocate()',
    'parse',
    'parse',
    'main',
  ]);
  expect(cost).toEqual([503]);
  expect(json).toMatchObject({ version: 0, costs: [{ unit: 'bytes' }] });
});

test('speedscope: the same stacks by bytes and by count', () => {
  const json = JSON.parse(textOf(speedscope(exportInput().input)));
  const [memory, allocations] = json.profiles;
  expect(memory).toMatchObject({ unit: 'bytes', endValue: 4593, weights: [4001, 503, 89] });
  expect(allocations).toMatchObject({ unit: 'none', endValue: 4, weights: [2, 1, 1] });
  const { frames } = json.shared;
  expect(memory.samples[0].map((id: number) => frames[id].name)).toEqual([
    'main',
    'load',
    'alloc',
    'node::Allocate()',
  ]);
  expect(frames[memory.samples[0][1]]).toEqual({
    name: 'load',
    file: '/app/load.js',
    line: 14,
    col: 1,
  });
});

interface HeapNode {
  readonly callFrame: { functionName: string; url: string; lineNumber: number };
  readonly selfSize: number;
  readonly id: number;
  readonly children: readonly HeapNode[];
}

test('heapprofile: a tree whose samples are its own sizes', () => {
  const { head, samples } = JSON.parse(textOf(heapprofile(exportInput().input)));
  const all: HeapNode[] = [head];
  for (const node of all) all.push(...node.children);
  const sizes = new Map(all.map((node) => [node.id, node.selfSize]));
  expect(sizes.size).toBe(all.length);
  expect([...sizes.values()].filter(Boolean).sort()).toEqual([4001, 503, 89]);
  for (const { nodeId, size } of samples) expect(sizes.get(nodeId)).toBe(size);
  expect(samples).toHaveLength(3);
  expect(head.children[0].children[0].callFrame).toMatchObject({
    functionName: 'load',
    url: '/app/load.js',
    lineNumber: 13,
  });
});

test('perfetto: counters as sampled, and the peak between them', () => {
  const { traceEvents: events } = JSON.parse(textOf(traceEvents(exportInput().input)));
  const counts = (name: string) =>
    events
      .filter((event: { ph: string; name: string }) => event.ph === 'C' && event.name === name)
      .map(({ ts, args }: { ts: number; args: { bytes: number } }) => [ts, args.bytes]);
  expect(counts('RSS')).toEqual([
    [1e6, 9000],
    [2e6, 8000],
  ]);
  expect(counts('heap')).toEqual([
    [1e6, 3593],
    [2e6, 4090],
    [1.5e6, 4593],
  ]);
});

test('perfetto: collections and marks stand on their threads', () => {
  const { from, input } = exportInput();
  from.timelines.onGc({ timeNs: 5_000, thread: 1, gcType: 4, phase: 0 });
  from.timelines.onGc({ timeNs: 8_500, thread: 1, gcType: 4, phase: 1 });
  from.timelines.onMark({ timeNs: 9_000, thread: 1, name: 'loaded' });
  from.capture.tables.setThread(1, { kind: 'main' });
  const { traceEvents: events } = JSON.parse(textOf(traceEvents(input)));
  expect(events).toContainEqual({
    ph: 'X',
    name: 'mark-sweep-compact',
    cat: 'gc',
    pid: 4242,
    tid: 1,
    ts: 5,
    dur: 3.5,
  });
  expect(events).toContainEqual(expect.objectContaining({ ph: 'i', name: 'loaded', ts: 9 }));
  expect(events).toContainEqual({
    ph: 'M',
    name: 'thread_name',
    pid: 4242,
    tid: 1,
    args: { name: 'main' },
  });
});

test('stacks that end where others go on, in every format with a tree', () => {
  const { from, input } = exportInput();
  const { capture, feed, peak } = from;
  const [a, b, c] = ['a', 'b', 'c'].map((name, i) => capture.js(name, '/x.js', i + 1));
  const paths = [[a], [b, a], [c, b, a], [c, a], [c]] as number[][];
  for (const [i, path] of paths.entries()) feed.alloc(capture.stack(path), 100_000 << i);
  const profile = peak.peak();
  const all = { ...input, profile };
  const { head } = JSON.parse(textOf(heapprofile(all)));
  const lines: string[] = [];
  const visit = (node: HeapNode, path: string) => {
    const own = node === head ? '' : `${path};${node.callFrame.functionName}`;
    if (node.selfSize > 0) lines.push(`${own.slice(1)} ${node.selfSize}`);
    for (const child of node.children) visit(child, own);
  };
  visit(head, '');
  const short = textOf(collapsed(all)).replaceAll(/ \([^)]*\)(?=[; ])/g, '');
  expect(lines.join('\n')).toBe(short.trimEnd().replaceAll(' (/usr/bin/node)', ''));
  expect(lines).toEqual(expect.arrayContaining(['a 100000', 'a;b;c 400000', 'c 1600000']));
  const { profiles, shared } = JSON.parse(textOf(speedscope(all)));
  const named = profiles[0].samples.map((path: number[], i: number) => {
    const text = path.map((id) => shared.frames[id].name).join(';');
    return `${text} ${profiles[0].weights[i]}`;
  });
  expect(named).toEqual(lines);
});

describe('pprof', () => {
  const decoded = (input: Parameters<typeof pprof>[0]) => {
    const [bytes] = pprof(input);
    return Pprof.decode(gunzipSync(bytes as Uint8Array));
  };
  const sums = ({ sample }: Pprof) =>
    [0, 1, 2, 3].map((at) => sample.reduce((sum, { value }) => sum + Number(value[at]), 0));

  test('has what was allocated beside what was live at the peak', () => {
    const { from, input } = exportInput();
    const profile = decoded(input);
    const text = (id: unknown) => profile.stringTable.strings[Number(id)];
    expect(profile.sampleType.map(({ type, unit }) => [text(type), text(unit)])).toEqual([
      ['alloc_objects', 'count'],
      ['alloc_space', 'bytes'],
      ['inuse_objects', 'count'],
      ['inuse_space', 'bytes'],
    ]);
    expect(sums(profile)).toEqual([5, from.totals.bytes, 4, 4593]);
    expect(text(profile.defaultSampleType)).toBe('inuse_space');
    const labels = profile.sample.map(({ label }) => label.map(({ str }) => text(str)));
    expect(labels).toEqual([
      ['thread 1', 'malloc'],
      ['thread 1', 'calloc'],
      ['thread 2', 'malloc'],
    ]);
  });

  test('says of temporary allocations that they are not in use', () => {
    const { from, input } = exportInput();
    const profile = decoded({ ...input, profile: { ...from.peak.peak(), kind: 'temporary' } });
    const { strings } = profile.stringTable;
    expect(strings).toContain('temporary_space');
    expect(strings).not.toContain('inuse_space');
  });

  test('keeps addresses, modules and build ids; inlined functions are lines of one location', () => {
    const { from, input } = exportInput();
    const { capture, feed, peak } = from;
    const frame = capture.native('/lib/addon.node', 0x31, 'outer', 'inlined');
    const { module } = [...capture.tables.modules.values()].at(-1)?.[0] ?? { module: 0 };
    capture.tables.setModule(
      { module, path: '/lib/addon.node', buildId: 'abc1', base: 0x1000, end: 0x9000, bias: 0x1000 },
      true,
      5,
    );
    feed.alloc(capture.stack([frame]), 2 ** 40 + 1);
    const profile = decoded({ ...input, profile: peak.peak() });
    const text = (id: unknown) => profile.stringTable.strings[Number(id)];
    const mapping = profile.mapping.find(({ filename }) => text(filename) === '/lib/addon.node');
    expect([mapping?.memoryStart, mapping?.memoryLimit].map(Number)).toEqual([0x1000, 0x9000]);
    expect(text(mapping?.buildId)).toBe('abc1');
    const location = profile.location.find(({ mappingId }) => mappingId === mapping?.id);
    // A return address less one, so that it lies within the call.
    expect(Number(location?.address)).toBe(0x1030);
    const names = location?.line.map(({ functionId }) =>
      text(profile.function[Number(functionId) - 1]?.name),
    );
    expect(names).toEqual(['inlined', 'outer']);
    // Beyond 32 bits; parsing (503) had ended by then.
    expect(sums(profile)[3]).toBe(4593 - 503 + 2 ** 40 + 1);
  });
});

test('every format agrees on an empty profile', () => {
  const rows = {
    size: 0,
    stack: new Uint32Array(0),
    thread: new Uint32Array(0),
    allocator: new Uint8Array(0),
    bytes: new Float64Array(0),
    count: new Float64Array(0),
  };
  const empty: Profile = { kind: 'leaked', rows, totalBytes: 0, totalCount: 0 };
  const { input } = exportInput(() => empty);
  for (const [name, { chunks }] of Object.entries(EXPORT_FORMATS)) {
    const text = textOf(chunks(input));
    if (name === 'collapsed') expect(text).toBe('');
    else expect(text.length, name).toBeGreaterThan(10);
    if (text.startsWith('{')) JSON.parse(text);
  }
});
