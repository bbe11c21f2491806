// SPDX-License-Identifier: MIT
import { describe, expect, test } from 'vitest';
import { FRAME_KIND } from '../../ts/format/constants.js';
import { frameCategory, frameText, moduleText } from '../../ts/model/frame.js';
import { filePath, frameNames } from '../../ts/model/frame-names.js';
import { CaptureBuilder } from './capture-builder.js';

describe('frameNames', () => {
  test('a script frame has its function, path, line and column', () => {
    const capture = new CaptureBuilder();
    const frame = capture.js('load', 'file:///srv/my%20app/load.js', 12, 'turbofan', 7);
    expect(frameNames(capture.tables, frame)).toEqual([
      {
        kind: 'js',
        name: 'load',
        file: '/srv/my app/load.js',
        line: 12,
        column: 7,
        package: '',
        module: '',
      },
    ]);
  });

  test('a function without a name is (anonymous)', () => {
    const capture = new CaptureBuilder();
    expect(frameNames(capture.tables, capture.js('', '/a.js', 1))[0]?.name).toBe('(anonymous)');
  });

  test('where a source map says a frame is wins over where it was generated', () => {
    const capture = new CaptureBuilder();
    const frame = capture.js('a', '/dist/bundle.js', 1, 'interpreted', 90210);
    const origin = { functionName: 'readConfig', file: '/src/config.ts', line: 31, column: 5 };
    capture.tables.origins.set(frame, origin);
    capture.package('/dist/bundle.js', 'shop', '2.1.0');
    expect(frameNames(capture.tables, frame)).toEqual([
      {
        kind: 'js',
        name: 'readConfig',
        file: '/src/config.ts',
        line: 31,
        column: 5,
        package: 'shop@2.1.0',
        module: '',
      },
    ]);
  });

  test('an origin without a function keeps the generated name', () => {
    const capture = new CaptureBuilder();
    const frame = capture.js('kept', '/dist/bundle.js', 1);
    capture.tables.origins.set(frame, { functionName: '', file: '/src/a.ts', line: 3, column: 1 });
    expect(frameNames(capture.tables, frame)[0]).toMatchObject({ name: 'kept', file: '/src/a.ts' });
  });

  test("only Node.js's own createPool is the Buffer pool", () => {
    const capture = new CaptureBuilder();
    const names = ['node:buffer', '/srv/buffer.js'].map(
      (file) => frameNames(capture.tables, capture.js('createPool', file, 150))[0]?.name,
    );
    expect(names).toEqual(['createPool (Buffer pool)', 'createPool']);
  });

  test('a native frame without a symbol is its module and offset', () => {
    const capture = new CaptureBuilder();
    const frame = capture.native('/usr/lib/libfoo.so.1', 0x1a2b);
    expect(frameNames(capture.tables, frame)[0]).toMatchObject({
      kind: 'native',
      name: 'libfoo.so.1+0x1a2b',
      file: '/usr/lib/libfoo.so.1',
    });
  });

  test('a native frame outside all modules is its address', () => {
    const { tables } = new CaptureBuilder();
    const frame = tables.addFrame(FRAME_KIND.native, 0, 0x7f00_dead_beef, 0, 0);
    expect(frameNames(tables, frame)[0]).toMatchObject({ name: '0x7f00deadbeef', file: '' });
  });

  test('a native frame with debug information has its source, and its module all the same', () => {
    const capture = new CaptureBuilder();
    const frame = capture.native('/app/build/addon.node', 0x10);
    const source = { function: 'grow', file: '/app/src/addon.cc', line: 7, inlined: 0 };
    capture.tables.addSymbol(1, 0x10, source);
    const [named] = frameNames(capture.tables, frame);
    expect(named).toMatchObject({
      file: '/app/src/addon.cc',
      line: 7,
      module: '/app/build/addon.node',
    });
    expect(named && moduleText(named)).toBe('/app/build/addon.node');
  });

  test('inlined native functions are frames of their own, outermost first', () => {
    const capture = new CaptureBuilder();
    const frame = capture.native('/usr/bin/node', 0x500, 'outer()', 'middle()', 'inner()');
    const names = frameNames(capture.tables, frame).map(({ name }) => name);
    expect(names).toEqual(['outer()', 'middle() (inlined)', 'inner() (inlined)']);
  });

  test('labels, collections, builtins and WebAssembly keep their kind', () => {
    const capture = new CaptureBuilder();
    const kindOf = (frame: number) => frameNames(capture.tables, frame)[0]?.kind;
    expect(kindOf(capture.label('(GC)'))).toBe('gc');
    expect(kindOf(capture.label('(something)'))).toBe('label');
    expect(kindOf(capture.builtin('ArrayPrototypePush'))).toBe('builtin');
    expect(kindOf(capture.js('f', 'wasm://wasm/1', 3, 'wasm'))).toBe('wasm');
  });

  test('a frame whose definition was lost is named so', () => {
    expect(frameNames(new CaptureBuilder().tables, 99)[0]?.name).toBe('(unknown frame)');
  });
});

test.each([
  ['file:///a/b.js', '/a/b.js'],
  ['file:///a/b.js?version=2', '/a/b.js'],
  ['node:fs', 'node:fs'],
  ['/a/b.js', '/a/b.js'],
  ['webpack://shop/./src/a.ts', 'webpack://shop/./src/a.ts'],
  ['file://%', 'file://%'],
  ['', ''],
])('the path of %s is %s', (file, path) => {
  expect(filePath(file)).toBe(path);
});

const frameOf = (change: object) => ({
  kind: 'js' as const,
  name: 'f',
  file: '/srv/app.js',
  line: 1,
  column: 1,
  package: '',
  module: '',
  ...change,
});

test.each([
  [{}, 'app'],
  [{ file: '/srv/node_modules/a/b.js' }, 'dependency'],
  [{ file: 'C:\\srv\\node_modules\\a\\b.js' }, 'dependency'],
  [{ file: '/srv/node_modules_backup/b.js' }, 'app'],
  [{ file: 'node:internal/fs' }, 'node'],
  [{ kind: 'wasm', file: 'wasm://wasm/1' }, 'app'],
  [{ kind: 'builtin', file: '' }, 'v8'],
  [{ kind: 'gc', file: '' }, 'v8'],
  [{ kind: 'native', name: 'v8::internal::Heap::Allocate()' }, 'v8'],
  [{ kind: 'native', name: 'Builtins_ArrayPush' }, 'v8'],
  [{ kind: 'native', name: 'node::Buffer::New(v8::Isolate*)' }, 'native'],
  [{ kind: 'native', name: 'sharp.node+0x10' }, 'native'],
])('%o belongs to %s', (change, category) => {
  expect(frameCategory(frameOf(change))).toBe(category);
});

test('a frame is written with its place, when it has one', () => {
  expect(frameText(frameOf({}))).toBe('f (/srv/app.js:1)');
  expect(frameText(frameOf({ line: 0 }))).toBe('f (/srv/app.js)');
  expect(frameText(frameOf({ file: '', line: 0 }))).toBe('f');
});
