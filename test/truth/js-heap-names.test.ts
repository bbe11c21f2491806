// SPDX-License-Identifier: MIT
// Functions of the sampled JavaScript heap have the places of their sources and the names of their packages, in each report.
import { join } from 'node:path';
import { transformSync } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { folderOf } from '../support/folder.js';
import { memtape } from '../support/memtape.js';
import { nodes } from '../support/nodes.js';

const library = `interface Entry {
  readonly numbers: number[];
}

const kept: Entry[] = [];

export function fillCache(count: number): number {
  for (let i = 0; i < count; i++)
    kept.push({ numbers: new Array<number>(1000).fill(i) });
  return kept.length;
}
`;
const application = `import { fillCache } from 'cache-lib';

type Count = number;

function load(count: Count): void {
  if (fillCache(count) !== count) throw new Error('not all are kept');
}

load(2000);
`;

/** Compiled to a single line, with its map. */
function compiled(text: string, sourcefile: string): string {
  const { code } = transformSync(text, {
    loader: 'ts',
    format: 'cjs',
    minifyWhitespace: true,
    sourcemap: 'inline',
    sourcefile,
  });
  return code;
}

function record(node: string): string {
  const manifest = { name: 'cache-lib', version: '1.2.3', main: 'dist/cache.js' };
  const folder = folderOf({
    'node_modules/cache-lib/package.json': JSON.stringify(manifest),
    'node_modules/cache-lib/dist/cache.js': compiled(library, '../src/cache.ts'),
    'dist/app.js': compiled(application, '../src/app.ts'),
  });
  const args = ['run', '-q', '--js-heap=4096', '-o', 'heap.bin', '--', node, 'dist/app.js'];
  const { status, stderr } = memtape(args, { cwd: folder });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return folder;
}

interface Row {
  readonly function: string;
  readonly file: string;
  readonly line: number;
  readonly package: string;
  readonly own_bytes?: number;
  readonly total_bytes?: number;
  readonly bytes?: number;
}

interface Graph {
  readonly frames: readonly (Omit<Row, 'function'> & { readonly name: string })[];
  readonly tree: { parent: number[]; frame: number[]; self_bytes: number[] };
}

/** The functions above the one that allocated most, which comes first. */
function largestStack({ frames, tree }: Graph): Omit<Row, 'function'>[] {
  const stack: Omit<Row, 'function'>[] = [];
  let at = tree.self_bytes.indexOf(Math.max(...tree.self_bytes));
  for (; at > 0; at = tree.parent[at] ?? 0) {
    const frame = frames[tree.frame[at] ?? 0];
    if (frame) stack.push(frame);
  }
  return stack;
}

describe.each(nodes())('Node.js $version', ({ path }) => {
  test('summary, table and flame graph name the sources and the package', () => {
    const folder = record(path);
    const report = (command: string): unknown => {
      const args = [command, '--js-heap', '--json', 'heap.bin'];
      const { stdout, stderr } = memtape(args, { cwd: folder });
      expect(stderr).toBe('');
      return JSON.parse(stdout);
    };
    // Where a function begins: V8's profile has no more.
    const fill = {
      file: join(folder, 'node_modules/cache-lib/src/cache.ts'),
      line: 7,
      package: 'cache-lib@1.2.3',
    };
    const load = { file: join(folder, 'src/app.ts'), line: 5, package: '' };

    const { rows } = report('summary') as { rows: readonly Row[] };
    const own = [...rows].sort((a, b) => (b.own_bytes ?? 0) - (a.own_bytes ?? 0));
    expect(own[0]).toMatchObject({ function: 'fillCache', ...fill });
    expect(own[0]?.own_bytes).toBeGreaterThan(10e6);
    expect(rows.find(({ function: name }) => name === 'load')).toMatchObject(load);

    const table = report('table') as { rows: readonly Row[] };
    const most = [...table.rows].sort((a, b) => (b.bytes ?? 0) - (a.bytes ?? 0))[0];
    expect(most).toMatchObject({ function: 'fillCache', ...fill });

    const [leaf, caller] = largestStack(report('flamegraph') as Graph);
    expect(leaf).toMatchObject({ kind: 'js', name: 'fillCache', ...fill });
    expect(caller).toMatchObject({ kind: 'js', name: 'load', ...load });
  });
});
