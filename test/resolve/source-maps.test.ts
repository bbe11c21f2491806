// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createRequire, SourceMap } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type BuildOptions, buildSync } from 'esbuild';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { SourceMaps, type SourceMapsOptions } from '../../ts/resolve/source-maps.js';
import { folderOf } from '../support/folder.js';

const SOURCE = fileURLToPath(new URL('fixtures/positions.ts', import.meta.url));
const SOURCE_TEXT = readFileSync(SOURCE, 'utf8');
const SOURCE_LINES = SOURCE_TEXT.split('\n');

interface Call {
  readonly label: string;
  readonly line: number;
  readonly column: number;
  readonly name: string;
  readonly functionLine: number;
  readonly functionColumn: number;
}

// V8 itself tells where each call and each function stands.
const RECORDER = `
const inspector = require('node:inspector');
const { pathToFileURL } = require('node:url');
const session = new inspector.Session();
session.connect();
session.post('Debugger.enable');
const calls = [];
session.on('Debugger.paused', ({ params: { callFrames: [, frame] } }) => {
  const call = calls.at(-1);
  call.name = frame.functionName;
  call.functionLine = (frame.functionLocation?.lineNumber ?? -1) + 1;
  call.functionColumn = (frame.functionLocation?.columnNumber ?? -1) + 1;
});
globalThis.probe = (label) => {
  const { prepareStackTrace } = Error;
  Error.prepareStackTrace = (_, sites) => sites;
  const site = new Error().stack[1];
  Error.prepareStackTrace = prepareStackTrace;
  calls.push({ label, line: site.getLineNumber(), column: site.getColumnNumber() });
  debugger;
};
process.on('exit', () => console.log(JSON.stringify(calls)));
import(pathToFileURL(process.argv[1]).href);
`;

function recordCalls(path: string): Call[] {
  const output = execFileSync(process.execPath, ['-e', RECORDER, path], { encoding: 'utf8' });
  return JSON.parse(output) as Call[];
}

function bundle(folder: string, options: BuildOptions): string {
  const outfile = join(folder, 'out.mjs');
  buildSync({ entryPoints: [SOURCE], outfile, bundle: true, format: 'esm', ...options });
  return outfile;
}

/** Every recorded call must map to the place in the original where `probe(label)` stands. */
function expectCallsMapped(path: string, maps: SourceMaps, original = SOURCE): Call[] {
  const calls = recordCalls(path);
  expect(calls).toHaveLength(8);
  for (const { label, line, column } of calls) {
    const found = maps.originalPosition(path, line, column);
    expect(found?.file).toBe(original);
    const text = SOURCE_LINES[(found?.line ?? 0) - 1]?.slice((found?.column ?? 0) - 1);
    expect(text?.startsWith(`probe('${label}')`), `${label}: ${text}`).toBe(true);
  }
  expect(maps.problems.size).toBe(0);
  return calls;
}

describe('maps that tools write', () => {
  it.each<[string, BuildOptions]>([
    ['beside the file', { sourcemap: 'linked', minify: true }],
    ['inline', { sourcemap: 'inline', minify: true }],
    ['beside, without the comment', { sourcemap: 'external', minify: true }],
    ['without minification', { sourcemap: 'linked' }],
  ])('by esbuild, %s', (_, options) => {
    expectCallsMapped(bundle(folderOf({}), options), new SourceMaps());
  });

  it.each<[string, ts.CompilerOptions]>([
    ['beside the file', { sourceMap: true }],
    ['inline', { inlineSourceMap: true }],
    ['with a source root', { sourceMap: true, sourceRoot: '/srv/project/src/' }],
  ])('by tsc, %s', (_, options) => {
    const folder = folderOf({ 'package.json': '{ "type": "module" }', 'a b/positions.ts': '' });
    const source = join(folder, 'a b/positions.ts');
    const path = join(folder, 'a b/positions.js');
    const target = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ES2022 };
    const output = ts.transpileModule(SOURCE_TEXT, {
      fileName: 'positions.ts',
      compilerOptions: { ...target, ...options },
    });
    writeFileSync(path, output.outputText);
    if (output.sourceMapText !== undefined) writeFileSync(`${path}.map`, output.sourceMapText);
    const original = options.sourceRoot ? '/srv/project/src/positions.ts' : source;
    expectCallsMapped(path, new SourceMaps(), original);
  });

  it('give minified functions their names back', () => {
    const path = bundle(folderOf({}), { sourcemap: 'linked', minify: true });
    const maps = new SourceMaps();
    const calls = expectCallsMapped(path, maps).filter(({ label }) => label !== '');
    const name = (call: Call) =>
      maps.functionName(path, call.functionLine, call.functionColumn, call.name) ?? call.name;
    expect(calls.map(name)).toEqual(calls.map(({ label }) => label));
    expect(calls.filter((call) => call.name !== call.label).length).toBeGreaterThanOrEqual(4);
  });

  it('equal what Node.js reads from them', () => {
    const path = createRequire(import.meta.url).resolve('@jridgewell/trace-mapping');
    const theirs = new SourceMap(JSON.parse(readFileSync(`${path}.map`, 'utf8')));
    const maps = new SourceMaps();
    let mapped = 0;
    for (const [line, text] of readFileSync(path, 'utf8').split('\n').entries()) {
      for (let column = 0; column < text.length; column += 5) {
        const entry = theirs.findEntry(line, column);
        if (!('originalLine' in entry) || entry.generatedLine !== line) continue;
        const ours = maps.originalPosition(path, line + 1, column + 1);
        expect(ours?.line).toBe(entry.originalLine + 1);
        expect(ours?.column).toBe(entry.originalColumn + 1);
        mapped++;
      }
    }
    expect(mapped).toBeGreaterThan(1000);
  });
});

/** Maps generated (1, 1) to line 5, column 3 of original.ts, and (1, 11) to line 6, column 1. */
const SIMPLE = {
  version: 3,
  sources: ['original.ts'],
  names: ['longName'],
  mappings: 'AAIE,UACFA',
};
const JSON_TEXT = JSON.stringify(SIMPLE);
const CODE = 'foo();    a=>bar()';
const inline = (json: string) =>
  `data:application/json;charset=utf-8;base64,${Buffer.from(json).toString('base64')}`;

function withFiles(files: Record<string, string>, options?: SourceMapsOptions) {
  const folder = folderOf(files);
  const maps = new SourceMaps(options);
  return {
    folder,
    maps,
    at: (name: string, column = 1) => {
      const found = maps.originalPosition(join(folder, name), 1, column);
      return found && `${found.file.replace(folder, '')}:${found.line}:${found.column}`;
    },
    problem: (name: string) => maps.problems.get(join(folder, name)),
  };
}

describe('the comment', () => {
  const COMMENT = '//# sourceMappingURL=';
  it.each<[string, string, string]>([
    ['names a file', `${CODE}\n${COMMENT}x.map`, 'x.map'],
    ['ends in a carriage return', `${CODE}\r\n${COMMENT}x.map\r\n`, 'x.map'],
    ['has the old form', `${CODE}\n//@ sourceMappingURL=x.map`, 'x.map'],
    ['is a block', `${CODE}\n/*# sourceMappingURL=x.map */\n`, 'x.map'],
    ['follows code', `${CODE} ${COMMENT}x.map`, 'x.map'],
    ['is followed by others', `${CODE}\n${COMMENT}x.map\n// end\n\n`, 'x.map'],
    ['is the last of several', `${CODE}\n${COMMENT}no.map\n${COMMENT}x.map`, 'x.map'],
    ['comes after a text like it', `s='${COMMENT}no.map';\n${COMMENT}x.map`, 'x.map'],
    ['comes before a text like it', `${COMMENT}x.map\nvar s = "${COMMENT}" + no;`, 'x.map'],
    ['comes before a quoted one', `${COMMENT}x.map\nvar s = '${COMMENT}no.map'`, 'x.map'],
    ['is URL-encoded', `${CODE}\n${COMMENT}a%20b%C3%A9.map`, 'a bé.map'],
    ['is not URL-encoded', `${CODE}\n${COMMENT}100%.map`, '100%.map'],
    ['names a path', `${CODE}\n${COMMENT}../maps/./x.map`, '../maps/x.map'],
    ['is in a long file', `${'x;\n'.repeat(9000)}${COMMENT}x.map`, 'x.map'],
  ])('%s', (_, code, map) => {
    const { at } = withFiles({ 'dist/a.js': code, [join('dist', map)]: JSON_TEXT });
    expect(at('dist/a.js')).toBe(`${join('/dist', map, '..', 'original.ts')}:5:3`);
  });

  it('is a file: URL', () => {
    const { folder, at } = withFiles({ 'a.js': '', 'maps/x y.map': JSON_TEXT });
    const url = pathToFileURL(join(folder, 'maps/x y.map')).href;
    writeFileSync(join(folder, 'a.js'), `${CODE}\n${COMMENT}${url}\n`);
    expect(at('a.js')).toBe('/maps/original.ts:5:3');
  });

  it.each([10, 4000, 5000, 300_000, 2_000_000])('inlines a map of %i bytes', (bytes) => {
    const json = JSON.stringify({ ...SIMPLE, sourcesContent: ['x'.repeat(bytes)] });
    const code = `${CODE}\n${COMMENT}${inline(json)}`;
    for (const end of ['', '\n', '\r\n', '\n// end\n']) {
      expect(withFiles({ 'a.js': code + end }).at('a.js'), end).toBe('/original.ts:5:3');
    }
  });

  it('inlines a map without base64', () => {
    const code = `${CODE}\n${COMMENT}data:application/json,${encodeURIComponent(JSON_TEXT)}`;
    expect(withFiles({ 'a.js': code }).at('a.js')).toBe('/original.ts:5:3');
  });

  it('is not searched in the middle of a file', () => {
    const code = `${COMMENT}x.map\n${'x ();\n'.repeat(2000)}`;
    expect(withFiles({ 'a.js': code, 'x.map': JSON_TEXT }).at('a.js')).toBeNull();
  });
});

const INLINED = `${CODE}\n//# sourceMappingURL=${inline(JSON_TEXT)}`;

describe('positions', () => {
  it('are those of the nearest segment before', () => {
    const { at } = withFiles({ 'a.js': INLINED });
    expect([1, 10, 11, 99].map((column) => at('a.js', column))).toEqual([
      '/original.ts:5:3',
      '/original.ts:5:3',
      '/original.ts:6:1',
      '/original.ts:6:1',
    ]);
  });

  it('without a column are those of the line', () => {
    const indented = JSON.stringify({ ...SIMPLE, mappings: 'IAIE' });
    const code = `    ${CODE}\n//# sourceMappingURL=${inline(indented)}`;
    const { at } = withFiles({ 'a.js': code });
    expect(at('a.js', 0)).toBe('/original.ts:5:0');
    expect(at('a.js', 1)).toBeNull();
  });

  it('outside the map or in code that has no source stay', () => {
    const { folder, maps } = withFiles({ 'a.js': INLINED });
    const path = join(folder, 'a.js');
    expect(maps.originalPosition(path, 0, 0)).toBeNull();
    expect(maps.originalPosition(path, 2, 1)).toBeNull();
    const unmapped = JSON.stringify({ ...SIMPLE, mappings: 'AAIE,K' });
    const { at } = withFiles({ 'a.js': `${CODE}\n//# sourceMappingURL=${inline(unmapped)}` });
    expect([at('a.js', 5), at('a.js', 6)]).toEqual(['/original.ts:5:3', null]);
  });

  it('count UTF-16 units', () => {
    const code = `"😀é";      ${CODE}\n//# sourceMappingURL=${inline(JSON_TEXT)}`;
    const { at } = withFiles({ 'a.js': code });
    expect(at('a.js', 11)).toBe('/original.ts:6:1');
  });

  it('keep source names that are no files', () => {
    const json = JSON.stringify({ ...SIMPLE, sources: ['webpack://app/./src/index.ts'] });
    const { at } = withFiles({ 'a.js': `${CODE}\n//# sourceMappingURL=${inline(json)}` });
    expect(at('a.js')).toBe('webpack://app/src/index.ts:5:3');
  });

  it('come from the right section of a map', () => {
    const section = (line: number, column: number, source: string) => ({
      offset: { line, column },
      map: { ...SIMPLE, sources: [source] },
    });
    const json = JSON.stringify({
      version: 3,
      sections: [section(0, 0, 'one.ts'), section(0, 50, 'two.ts'), section(3, 4, 'three.ts')],
    });
    const { folder, maps } = withFiles({ 'a.js': `x\n//# sourceMappingURL=${inline(json)}` });
    const at = (line: number, column: number) => {
      const found = maps.originalPosition(join(folder, 'a.js'), line, column);
      return found && `${found.file.slice(folder.length + 1)}:${found.line}:${found.column}`;
    };
    expect(at(1, 1)).toBe('one.ts:5:3');
    expect(at(1, 11)).toBe('one.ts:6:1');
    expect(at(1, 51)).toBe('two.ts:5:3');
    expect(at(1, 61)).toBe('two.ts:6:1');
    expect(at(4, 5)).toBe('three.ts:5:3');
    expect(at(4, 4)).toBeNull();
  });
});

describe('a map', () => {
  const COMMENTED = `${CODE}\n//# sourceMappingURL=a.js.map`;

  it('that is missing is a problem, none at all is not', () => {
    const { at, problem } = withFiles({ 'a.js': COMMENTED, 'plain.js': CODE });
    expect([at('a.js'), at('plain.js'), at('none.js')]).toEqual([null, null, null]);
    expect([problem('a.js'), problem('plain.js'), problem('none.js')]).toEqual([
      'missing',
      undefined,
      undefined,
    ]);
  });

  it.each([
    ['broken JSON', '{"version":3,'],
    ['no JSON', '<!DOCTYPE html>'],
    ['not an object', '[]'],
    ['of another version', JSON.stringify({ ...SIMPLE, version: 2 })],
    ['without sources', '{"version":3,"mappings":"AAAA"}'],
    ['with wrong sources', JSON.stringify({ ...SIMPLE, sources: [1] })],
    ['with wrong sections', '{"version":3,"sections":[{"offset":{"line":-1,"column":0}}]}'],
  ])('that is %s is a problem', (_, text) => {
    const { at, problem } = withFiles({ 'a.js': COMMENTED, 'a.js.map': text });
    expect(at('a.js')).toBeNull();
    expect(problem('a.js')).toBe('invalid');
  });

  it('with garbage in its mappings gives null or a position', () => {
    for (const mappings of ['!!!!', 'A', 'AAgggggggggggE', 'AZIE', 'AAZZ', 'AAIEZ', ';;;']) {
      const text = JSON.stringify({ ...SIMPLE, mappings });
      const { maps, folder } = withFiles({ 'a.js': COMMENTED, 'a.js.map': text });
      const path = join(folder, 'a.js');
      const found = maps.originalPosition(path, 1, 3);
      if (found) expect(found.line).toBeGreaterThan(0);
      maps.functionName(path, 1, 11, 'a');
    }
  });

  it('may start with a line that protects it', () => {
    const { at } = withFiles({ 'a.js': COMMENTED, 'a.js.map': `)]}'\n${JSON_TEXT}` });
    expect(at('a.js')).toBe('/original.ts:5:3');
  });

  it('that is too large is a problem', () => {
    const files = { 'a.js': COMMENTED, 'a.js.map': JSON_TEXT };
    const { at, problem } = withFiles(files, { maxMapBytes: JSON_TEXT.length - 1 });
    expect(at('a.js')).toBeNull();
    expect(problem('a.js')).toBe('too large');
    expect(withFiles(files, { maxMapBytes: JSON_TEXT.length }).at('a.js')).not.toBeNull();
  });

  it('on a server is not fetched', () => {
    const { at, problem } = withFiles({
      'a.js': `${CODE}\n//# sourceMappingURL=https://example.com/a.js.map`,
    });
    expect(at('a.js')).toBeNull();
    expect(problem('a.js')).toBe('remote');
  });

  it('that nothing refers to must not name another file, nor be older', () => {
    const map = (file?: string) => JSON.stringify({ ...SIMPLE, file });
    expect(withFiles({ 'a.js': CODE, 'a.js.map': map('a.js') }).at('a.js')).not.toBeNull();
    expect(withFiles({ 'a.js': CODE, 'a.js.map': map() }).at('a.js')).not.toBeNull();
    const other = withFiles({ 'a.js': CODE, 'a.js.map': map('b.js') });
    expect(other.at('a.js')).toBeNull();
    expect(other.problem('a.js')).toBeUndefined();
    const old = withFiles({ 'a.js': CODE, 'a.js.map': map('a.js') });
    utimesSync(join(old.folder, 'a.js.map'), 5000, 5000);
    expect(old.at('a.js')).toBeNull();
    expect(old.problem('a.js')).toBeUndefined();
  });

  it('of a file that was changed since is not used', () => {
    const recorded = { size: INLINED.length, mtimeMs: 5_000_000 };
    const open = (change: (path: string) => void, options: SourceMapsOptions) => {
      const { folder, at, problem } = withFiles({ 'a.js': INLINED }, options);
      utimesSync(join(folder, 'a.js'), 5000, 5000);
      change(join(folder, 'a.js'));
      return at('a.js') ?? problem('a.js');
    };
    const same = '/original.ts:5:3';
    const nothing = () => {};
    const touch = (path: string) => utimesSync(path, 6000, 6000);
    expect(open(nothing, { recorded: () => recorded })).toBe(same);
    expect(open(touch, { recorded: () => recorded })).toBe('changed');
    expect(open(nothing, { recorded: () => ({ size: 7 }) })).toBe('changed');
    expect(open(nothing, { recorded: () => undefined })).toBe(same);
    expect(open(nothing, { endedAtMs: 5_000_000 })).toBe(same);
    expect(open(touch, { endedAtMs: 5_500_000 })).toBe('changed');
  });

  it('that was written after the recording is not used', () => {
    const { folder, at, problem } = withFiles(
      { 'a.js': COMMENTED, 'a.js.map': JSON_TEXT },
      { endedAtMs: 5_500_000 },
    );
    utimesSync(join(folder, 'a.js'), 5000, 5000);
    expect(statSync(join(folder, 'a.js')).mtimeMs).toBe(5_000_000);
    expect(at('a.js') ?? problem('a.js')).toBe('changed');
  });
});

describe('a script that exists only in memory', () => {
  const open = (recorded: string, files: Record<string, string> = {}) => {
    const folder = folderOf(files);
    const path = join(folder, 'src/page.ts');
    const asked: string[] = [];
    const inMemory = (file: string) => {
      asked.push(file);
      return file === path || file === 'evalmachine.<anonymous>' ? recorded : undefined;
    };
    return { folder, path, asked, maps: new SourceMaps({ inMemory }) };
  };

  it.each([
    ['its JSON', JSON_TEXT],
    ['a data: URL', inline(JSON_TEXT)],
    ['a path', 'page.map'],
  ])('is mapped by %s', (_, recorded) => {
    const { folder, path, maps } = open(recorded, { 'src/page.map': JSON_TEXT });
    const file = join(folder, 'src/original.ts');
    expect(maps.originalPosition(path, 1, 1)).toEqual({ file, line: 5, column: 3 });
  });

  it('needs no file', () => {
    const { maps } = open(JSON_TEXT);
    expect(maps.originalPosition('evalmachine.<anonymous>', 1, 1)?.line).toBe(5);
    expect(maps.originalPosition('node:fs', 1, 1)).toBeNull();
  });

  it('is asked for once', () => {
    const { path, asked, maps } = open(JSON_TEXT);
    for (let i = 0; i < 3; i++) {
      maps.originalPosition(path, 1, 1);
      maps.originalPosition('/none.js', 1, 1);
    }
    expect(asked).toEqual([path, '/none.js']);
  });
});

describe('the cache', () => {
  const asks = (options: SourceMapsOptions, order: string) => {
    let asked = '';
    const inMemory = (file: string) => {
      asked += file;
      return JSON_TEXT;
    };
    const maps = new SourceMaps({ inMemory, ...options });
    for (const file of order) expect(maps.originalPosition(file, 1, 1)?.line).toBe(5);
    return asked;
  };

  it('keeps the files that were used last', () => {
    expect(asks({ maxCachedFiles: 2 }, 'abacab')).toBe('abcb');
  });

  it('is bounded by bytes', () => {
    expect(asks({ maxCachedBytes: 2 * JSON_TEXT.length }, 'abcab')).toBe('abcab');
    expect(asks({ maxCachedBytes: 2 * JSON_TEXT.length }, 'abcbcbc')).toBe('abc');
    expect(asks({ maxCachedBytes: 3 * JSON_TEXT.length }, 'abcab')).toBe('abc');
  });

  it('keeps a map that is larger than the bound while it is used', () => {
    expect(asks({ maxCachedBytes: 1 }, 'aaab')).toBe('ab');
  });
});

describe('function names', () => {
  const named = (code: string, mappings: string, column: number, name: string) => {
    const json = JSON.stringify({ ...SIMPLE, mappings });
    const { folder, maps } = withFiles({ 'a.js': `${code}\n//# sourceMappingURL=${inline(json)}` });
    return maps.functionName(join(folder, 'a.js'), 1, column, name);
  };

  it('come from where the name stands', () => {
    expect(named('function a(){}', 'AAAA,SAASA,CAAC', 11, 'a')).toBe('longName');
    expect(named('x.y.a=(b)=>0', 'AAAA,IAASA,CAAC', 7, 'a')).toBe('longName');
    expect(named('x.y.a=(b)=>0', 'AAAA,IAASA,CAAC', 7, 'x.y.a')).toBe('x.y.longName');
  });

  it('stay when the map has none or another text stands there', () => {
    expect(named('function a(){}', 'AAAA,SAAS,CAAC', 11, 'a')).toBeNull();
    expect(named('function ab(){}', 'AAAA,SAASA,EAAC', 12, 'a')).toBeNull();
    expect(named('function a(){}', 'AAAA,SAASA,CAAC', 11, '')).toBeNull();
    expect(named('function a(){}', 'AAAA,SAASA,CAAC', 0, 'a')).toBeNull();
    expect(named(`function a(${' '.repeat(300)}`, 'AAAA,SAASA,CAAC', 300, 'a')).toBeNull();
  });
});
