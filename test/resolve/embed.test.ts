// SPDX-License-Identifier: MIT
import { readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { readCapture } from '../../ts/decode/read-capture.js';
import type { Tables } from '../../ts/decode/tables.js';
import { ElfFile } from '../../ts/resolve/elf-file.js';
import { applyNames, lookUpNames, type Resolvers } from '../../ts/resolve/embed.js';
import { finalize } from '../../ts/resolve/finalize.js';
import { openResolution } from '../../ts/resolve/resolution.js';
import { folderOf } from '../support/folder.js';
import { compile, demangle, run } from '../support/native.js';
import { SampleCapture } from '../support/sample-capture.js';

const NATIVE_SOURCE = new URL('fixtures/native-names.cc', import.meta.url).pathname;

async function tablesOf(capture: SampleCapture): Promise<Tables> {
  return (await readCapture(capture.bytes(), {})).tables;
}

/** Resolvers that answer with what they were asked. */
function echoes(asked: string[]): Resolvers {
  return {
    native: {
      locate: ({ path, buildId }, offsets) => {
        asked.push(`${path} ${buildId} ${offsets.join()}`);
        return offsets.map((offset) =>
          offset === 0 ? [] : [{ name: `f${offset}`, file: 'f.cc', line: offset }],
        );
      },
    },
    maps: {
      originalPosition: (file, line, column) => {
        asked.push(`${file}:${line}:${column}`);
        return file.endsWith('.min.js') ? { file: `${file}.ts`, line: line + 100, column } : null;
      },
      functionName: (_file, line, column, name) => (name === 'a' ? `long_${line}_${column}` : null),
    },
    packages: {
      packageOf: (file) => (file.startsWith('/app') ? { name: 'app', version: '1' } : null),
    },
  };
}

describe('names', () => {
  it('are asked for once, file by file, and only where a frame needs them', async () => {
    const capture = new SampleCapture();
    capture.module(1, '/lib/one.so', 'aa');
    capture.module(2, '/lib/two.so', 'bb');
    const minified = capture.function('a', '/app/x.min.js', 1, 20);
    const plain = capture.function('b', '/app/y.js', 2, 1);
    const builtin = capture.function('ArrayMap', '', 0, 0);
    capture.function('unused', '/app/unused.js', 1, 1);
    for (const frame of [
      [0, 1, 101],
      [0, 2, 7],
      [0, 1, 201],
      [0, 1, 1],
      [0, 1, 101],
      [0, 0, 999],
      [0, 9, 5],
      [1, minified, 1, 30],
      [2, plain, 3, 4],
      [4, minified, 1, 40],
      [5, builtin],
      [6, plain, 1, 1],
      [3, minified, 0, 0],
    ]) {
      capture.frame(frame[0] ?? 0, ...frame.slice(1));
    }
    const asked: string[] = [];
    const tables = await tablesOf(capture);
    const names = lookUpNames(tables, echoes(asked));
    expect(asked).toEqual([
      // One less than the return address.
      '/lib/one.so aa 100,200,0',
      '/lib/two.so bb 6',
      // Without a position of the call, that of the function.
      '/app/x.min.js:1:20',
      '/app/x.min.js:1:30',
      '/app/x.min.js:1:40',
      '/app/y.js:3:4',
    ]);
    applyNames(tables, names);
    expect(tables.symbols(1, 101)).toEqual([
      { function: 'f100', file: 'f.cc', line: 100, inlined: 0 },
    ]);
    expect(tables.symbols(1, 1)).toEqual([]);
    expect(tables.symbols(2, 7)).toHaveLength(1);
    const file = '/app/x.min.js.ts';
    expect([...tables.origins]).toEqual([
      [13, { functionName: 'long_1_20', file, line: 101, column: 20 }],
      [8, { functionName: 'long_1_20', file, line: 101, column: 30 }],
      [10, { functionName: 'long_1_20', file, line: 101, column: 40 }],
    ]);
    expect([...tables.packages.keys()]).toEqual(['/app/x.min.js', '/app/y.js', file]);
  });

  it('that the capture has are not looked up again', async () => {
    const capture = new SampleCapture();
    capture.module(1, '/lib/one.so', 'aa');
    capture.frame(0, 1, 101);
    capture.frame(1, capture.function('a', '/app/x.min.js', 1, 20), 1, 30);
    const tables = await tablesOf(capture);
    applyNames(tables, lookUpNames(tables, echoes([])));
    const asked: string[] = [];
    expect(lookUpNames(tables, echoes(asked))).toEqual([]);
    expect(asked).toEqual([]);
  });

  it('of addons belong to packages, those of system libraries to none', async () => {
    const capture = new SampleCapture();
    const paths = ['/app/build/x.node', '/usr/lib/libc.so.6', '/app/node_modules/y/libz.so'];
    for (const [i, path] of paths.entries()) {
      capture.module(i + 1, path, '');
      capture.frame(0, i + 1, 50);
    }
    const files: string[] = [];
    const packageOf = (file: string) => {
      files.push(file);
      return null;
    };
    lookUpNames(await tablesOf(capture), { ...echoes([]), packages: { packageOf } });
    expect(files).toEqual([paths[0], paths[2]]);
  });
});

describe('a finalized capture', () => {
  it('names its frames where none of the files are', async () => {
    const folder = folderOf({
      'package.json': '{ "name": "app", "version": "0.1.0" }',
      'src/a.ts':
        'export function allocate(count: number) {\n  return Buffer.alloc(count);\n}\nallocate(3);\n',
    });
    const built = { entryPoints: [join(folder, 'src/a.ts')], outfile: join(folder, 'dist/a.js') };
    buildSync({ ...built, bundle: true, minify: true, sourcemap: true, format: 'cjs' });
    const code = readFileSync(built.outfile, 'utf8');
    for (const file of [built.outfile, `${built.outfile}.map`]) utimesSync(file, 1e9, 1e9);
    const call = code.indexOf('Buffer.alloc') + 'Buffer.'.length;
    const minifiedName = /function (\w+)/.exec(code.slice(0, call))?.[1] ?? '';
    const start = code.lastIndexOf('(', code.indexOf('{', code.lastIndexOf('function', call)));

    const program = compile(NATIVE_SOURCE, join(folder, 'program'));
    const [, returnsTo] = run(program).trim().split('\n').at(-1)?.split(') ') ?? [];
    const capture = new SampleCapture();
    capture.module(3, program, new ElfFile(program).buildId);
    const native = capture.frame(0, 3, Number.parseInt(returnsTo ?? '', 16));
    const fn = capture.function(minifiedName, built.outfile, 1, start + 1);
    const js = capture.frame(1, fn, 1, call + 1);
    const path = join(folder, 'capture.bin');
    writeFileSync(path, capture.bytes());

    const resolution = (end: Parameters<typeof openResolution>[0]) =>
      openResolution(end, { demangle });
    const result = await finalize(path, { resolution });
    expect(result.problems).toEqual([]);
    expect(result.names).toBe(4);
    renameSync(path, `${folder}.bin`);
    rmSync(folder, { recursive: true });
    const { tables, header } = await readCapture(`${folder}.bin`, {});
    rmSync(`${folder}.bin`);
    expect(header.finalized).toBe(true);
    // A call that never returns: its return address is in the next function.
    expect(tables.frame(native)).toMatchObject({ kind: 'native', module: 3 });
    const [symbol] = tables.symbols(3, Number.parseInt(returnsTo ?? '', 16));
    expect(symbol?.function).toBe('shapes::EndsWithCall(char const*)');
    const file = join(folder, 'src/a.ts');
    expect(minifiedName).not.toBe('allocate');
    expect(tables.origins.get(js)).toEqual({
      functionName: 'allocate',
      file,
      line: 2,
      column: 17,
    });
    expect(tables.packages.get(file)).toEqual({ name: 'app', version: '0.1.0' });
  });

  it('says which files had no names to give', async () => {
    const folder = folderOf({
      'changed.js': `x()\n//# sourceMappingURL=data:application/json,{}`,
      'plain.js': 'x()',
      'lost.js': 'x()\n//# sourceMappingURL=lost.js.map',
      'text.so': 'not a library',
    });
    utimesSync(join(folder, 'lost.js'), 1e9, 1e9);
    const program = compile(NATIVE_SOURCE, join(folder, 'program'));
    const modules = [program, join(folder, 'text.so'), join(folder, 'gone.so'), 'linux-vdso.so.1'];
    const capture = new SampleCapture();
    for (const [i, path] of modules.entries()) {
      capture.module(i + 1, path, 'abcdef123456');
      capture.frame(0, i + 1, 0x1100);
    }
    for (const name of ['changed.js', 'plain.js', 'lost.js', 'none.js']) {
      capture.frame(1, capture.function('f', join(folder, name), 1, 1), 1, 1);
    }
    const path = join(folder, 'capture.bin');
    writeFileSync(path, capture.bytes());
    const { problems } = await finalize(path, { resolution: (end) => openResolution(end) });
    expect(problems).toEqual([
      { file: program, problem: 'binary changed' },
      { file: join(folder, 'text.so'), problem: 'binary unreadable' },
      { file: join(folder, 'gone.so'), problem: 'binary missing' },
      { file: join(folder, 'changed.js'), problem: 'source map changed' },
      { file: join(folder, 'lost.js'), problem: 'source map missing' },
    ]);
    const { metadata } = await readCapture(path, {});
    expect(metadata['nameProblems']).toEqual(problems);
  });
});
