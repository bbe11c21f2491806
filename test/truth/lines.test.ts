// SPDX-License-Identifier: MIT
// Native frames of a C++ addon with debug information have its lines, and the functions that the compiler put into others.
import { copyFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { folderOf } from '../support/folder.js';
import { checkBundle, memtape } from '../support/memtape.js';
import { run } from '../support/native.js';
import { headersOf, nodes } from '../support/nodes.js';

const source = fileURLToPath(new URL('fixtures/lines.cc', import.meta.url));
const code = readFileSync(source, 'utf8').split('\n');
const node = nodes().find((one) => headersOf(one) !== undefined);

const lineOf = (mark: string) => code.findIndex((text) => text.endsWith(`// ${mark}`)) + 1;

interface Place {
  readonly name: string;
  readonly file: string;
  readonly line: number;
}
const place = (name: string, mark: string): Place => ({ name, file: source, line: lineOf(mark) });
const fill = (mark: string) => place('lines::Fill()', mark);

/** Outermost first. */
const EXPECTED: Record<number, readonly Place[]> = {
  7070001: [
    fill('Fill 1'),
    place('char* lines::Pool::Get<char>(unsigned long) (inlined)', 'Get'),
    place('lines::Take(unsigned long) (inlined)', 'Take'),
  ],
  7070003: [
    fill('Fill 2'),
    place('int* lines::Pool::Get<int>(unsigned long) (inlined)', 'Get'),
    place('lines::Take(unsigned long) (inlined)', 'Take'),
  ],
  // Compilers keep no full names of functions that no other file can see.
  7070005: [fill('Fill 3'), place('Hidden (inlined)', 'Hidden')],
  7070007: [place('lines::FillDirectly()', 'FillDirectly')],
};

function build(folder: string, ...flags: readonly string[]): void {
  const include = node && headersOf(node);
  const addon = join(folder, 'lines.node');
  run('g++', '-g', '-O2', '-shared', '-fPIC', `-I${include}`, ...flags, '-o', addon, source);
}

/** A folder with the addon and what runs it. */
function project(): string {
  const folder = folderOf({ 'app.cjs': "require('./lines.node')();\n" });
  build(folder, '-Wl,--build-id');
  return folder;
}

function record(folder: string, env: NodeJS.ProcessEnv = {}): string {
  const args = ['run', '-q', '--native', '-o', 'capture.bin', '--', node?.path ?? '', 'app.cjs'];
  const { status, stderr } = memtape(args, { cwd: folder, env });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return join(folder, 'capture.bin');
}

interface Graph {
  readonly frames: readonly (Place & { readonly source?: string })[];
  readonly tree: { parent: number[]; frame: number[]; self_bytes: number[] };
}

/** The native frames of the addon in the stack that holds so many bytes, outermost first. */
function addonFrames({ frames, tree }: Graph, bytes: number): (Place | undefined)[] {
  const found: (Place | undefined)[] = [];
  for (let at = tree.self_bytes.indexOf(bytes); at > 0; at = tree.parent[at] ?? 0) {
    const frame = frames[tree.frame[at] ?? 0];
    if (frame) found.unshift({ name: frame.name, file: frame.file, line: frame.line });
  }
  const first = found.findIndex((frame) => frame?.name.startsWith('lines::'));
  return first < 0 ? [] : found.slice(first);
}

function graphOf(capture: string, env: NodeJS.ProcessEnv = {}): Graph {
  const { stdout, stderr } = memtape(['flamegraph', '--json', capture], { env });
  expect(stderr).toBe('');
  return JSON.parse(stdout) as Graph;
}

/** A PATH with this tool and no other. */
function pathWith(folder: string, tool: string): string {
  const only = join(folder, `only-${tool}`);
  mkdirSync(only);
  copyFileSync(run('which', tool).trim(), join(only, tool));
  return only;
}

describe.skipIf(!node)('a C++ addon with debug information', () => {
  beforeAll(checkBundle);

  test('has its lines and inlined functions in the flame graph', () => {
    const graph = graphOf(record(project()));
    for (const [bytes, expected] of Object.entries(EXPECTED)) {
      expect(addonFrames(graph, Number(bytes)), bytes).toEqual(expected);
    }
    const fillFrame = graph.frames.find(({ line }) => line === lineOf('Fill 1'));
    expect(fillFrame?.source).toBe('kept[0] = pool.Get<char>(7070001);  // Fill 1');
  });

  test('has them in the other reports', () => {
    const capture = record(project());
    const tree = memtape(['tree', capture]).stdout;
    expect(tree).toContain(`lines.cc:${lineOf('Fill 2')}`);
    expect(tree).toContain('lines::Take(unsigned long) (inlined)');
    const collapsed = memtape(['transform', 'collapsed', '-o', '-', capture]).stdout;
    expect(collapsed).toMatch(/lines::Fill\(\).*Get<int>\(unsigned long\) \(inlined\).*Take\(/);
    const dump = memtape(['parse', capture]).stdout;
    expect(dump).toMatch(/Take\(unsigned long\)/);
  });

  test('needs nothing but the capture afterwards', () => {
    const moved = folderOf({});
    const other = project();
    const recorded = record(other);
    const before = graphOf(recorded);
    copyFileSync(recorded, join(moved, 'capture.bin'));
    rmSync(other, { recursive: true });
    expect(graphOf(join(moved, 'capture.bin'), { PATH: '/nonexistent' })).toEqual(before);
  });

  test('says which tool would read its lines', () => {
    const bare = project();
    const args = ['run', '--native', '-o', 'capture.bin', '--', node?.path ?? '', 'app.cjs'];
    const { stderr } = memtape(args, { cwd: bare, env: { PATH: '/nonexistent' } });
    expect(stderr).toMatch(
      /names of .*lines\.node.*: debug information not read: install llvm \(llvm-symbolizer\) or binutils/,
    );
    const graph = graphOf(join(bare, 'capture.bin'));
    const file = join(bare, 'lines.node');
    expect(addonFrames(graph, 7070007)).toEqual([{ name: 'lines::FillDirectly()', file, line: 0 }]);
  });

  test('has the same lines by addr2line, and no name that may be wrong', () => {
    const other = project();
    const graph = graphOf(record(other, { PATH: pathWith(other, 'addr2line') }));
    const { 7070005: hidden = [], ...named } = EXPECTED;
    for (const [bytes, expected] of Object.entries(named)) {
      expect(addonFrames(graph, Number(bytes)), bytes).toEqual(expected);
    }
    const found = addonFrames(graph, 7070005);
    expect(found.map((frame) => frame?.line)).toEqual(hidden.map(({ line }) => line));
    expect(found[1]?.name).toMatch(/^lines\.node\+0x[0-9a-f]+ \(inlined\)$/);
  });

  test('has its lines from a debug file beside it, and from none that is another build', () => {
    const split = folderOf({ 'app.cjs': "require('./lines.node')();\n" });
    build(split, '-Wl,--build-id');
    run(
      'sh',
      '-c',
      `cd ${split} && objcopy --only-keep-debug lines.node lines.debug &&
      strip --strip-debug --strip-unneeded lines.node && objcopy --add-gnu-debuglink=lines.debug lines.node`,
    );
    expect(addonFrames(graphOf(record(split)), 7070001)).toEqual(EXPECTED[7070001]);
    const swapped = folderOf({ 'app.cjs': "require('./lines.node')();\n" });
    build(swapped, '-Wl,--build-id', '-DOTHER', '-O1');
    run('sh', '-c', `cd ${swapped} && objcopy --only-keep-debug lines.node ${split}/lines.debug`);
    rmSync(join(split, 'capture.bin'));
    const frames = addonFrames(graphOf(record(split)), 7070001);
    expect(frames.map((frame) => frame?.line)).not.toContain(lineOf('Fill 1'));
  });
});
