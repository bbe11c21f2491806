// SPDX-License-Identifier: MIT
import { rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { Packages } from '../../ts/resolve/packages.js';
import { folderOf } from '../support/folder.js';

const manifest = (name: string, version: string) => JSON.stringify({ name, version });

function resolver(files: Record<string, string>) {
  const folder = folderOf(files);
  const packages = new Packages();
  const of = (path: string) => {
    const found = packages.packageOf(path.includes(':') ? path : join(folder, path));
    return found && `${found.name}@${found.version}`;
  };
  return { folder, of };
}

it('finds the package of a dependency, scoped or not', () => {
  const { of } = resolver({
    'package.json': manifest('app', '0.1.0'),
    'node_modules/plain/package.json': manifest('plain', '1.2.3'),
    'node_modules/@scope/part/package.json': manifest('@scope/part', '4.5.6-beta.1'),
  });
  expect(of('node_modules/plain/index.js')).toBe('plain@1.2.3');
  expect(of('node_modules/plain/lib/deep/er.js')).toBe('plain@1.2.3');
  expect(of('node_modules/@scope/part/dist/index.cjs')).toBe('@scope/part@4.5.6-beta.1');
});

it('takes the innermost of nested packages', () => {
  const { of } = resolver({
    'node_modules/outer/package.json': manifest('outer', '1.0.0'),
    'node_modules/outer/node_modules/inner/package.json': manifest('inner', '2.0.0'),
  });
  expect(of('node_modules/outer/node_modules/inner/x.js')).toBe('inner@2.0.0');
  expect(of('node_modules/outer/x.js')).toBe('outer@1.0.0');
});

it('finds packages in the store of pnpm', () => {
  const store = 'node_modules/.pnpm/@scope+part@4.5.6/node_modules/@scope/part';
  const { of } = resolver({ [`${store}/package.json`]: manifest('@scope/part', '4.5.6') });
  expect(of(`${store}/dist/index.js`)).toBe('@scope/part@4.5.6');
});

it('tells the version of a package that yarn keeps in an archive', () => {
  const { of } = resolver({ 'package.json': manifest('app', '1.0.0') });
  const cache = '.yarn/cache/lodash.merge-npm-4.6.2-77cb4416bf-d0ea2dd009.zip';
  expect(of(`${cache}/node_modules/lodash.merge/index.js`)).toBe('lodash.merge@4.6.2');
  const beta = '.yarn/cache/@scope-part-npm-1.0.0-rc.2-77cb4416bf-8.zip';
  expect(of(`${beta}/node_modules/@scope/part/index.js`)).toBe('@scope/part@1.0.0-rc.2');
});

it('skips package.json files that only tell the kind of module', () => {
  const { of } = resolver({
    'package.json': manifest('app', '0.1.0'),
    'dist/esm/package.json': '{ "type": "module" }',
    'node_modules/dual/package.json': manifest('dual', '3.0.0'),
    'node_modules/dual/esm/package.json': '{ "type": "module" }',
  });
  expect(of('node_modules/dual/esm/index.js')).toBe('dual@3.0.0');
  expect(of('dist/esm/index.js')).toBe('app@0.1.0');
});

it('calls a dependency by what was installed, not by what its folders say', () => {
  const { of } = resolver({
    'node_modules/preact/package.json': manifest('preact', '10.0.0'),
    'node_modules/preact/hooks/package.json': manifest('preact-hooks', '0.1.0'),
    'node_modules/alias/package.json': manifest('real-name', '1.0.0'),
  });
  expect(of('node_modules/preact/hooks/dist/hooks.js')).toBe('preact@10.0.0');
  expect(of('node_modules/alias/index.js')).toBe('real-name@1.0.0');
});

it('gives a dependency without a usable package.json its folder name', () => {
  const { of } = resolver({
    'node_modules/broken/package.json': '{ "name": ',
    'node_modules/unnamed/package.json': '{ "version": "1.0.0" }',
    'node_modules/odd/package.json': '{ "name": "odd", "version": 7 }',
    'package.json': manifest('app', '0.1.0'),
  });
  expect(of('node_modules/broken/index.js')).toBe('broken@');
  expect(of('node_modules/unnamed/index.js')).toBe('unnamed@');
  expect(of('node_modules/odd/index.js')).toBe('odd@');
  expect(of('node_modules/none/index.js')).toBe('none@');
});

it('finds the package of the application, in the nearest folder that names one', () => {
  const { of } = resolver({
    'package.json': manifest('monorepo', '1.0.0'),
    'packages/api/package.json': manifest('api', '2.0.0'),
    'packages/api/src/a/b/c.ts': '',
  });
  expect(of('packages/api/src/a/b/c.ts')).toBe('api@2.0.0');
  expect(of('packages/api/src/other.ts')).toBe('api@2.0.0');
  expect(of('tools/x.js')).toBe('monorepo@1.0.0');
});

it('looks behind links', () => {
  const { folder, of } = resolver({ 'releases/7/package.json': manifest('deployed', '7.0.0') });
  symlinkSync(join(folder, 'releases/7'), join(folder, 'current'));
  expect(of('current/server.js')).toBe('deployed@7.0.0');
  const linked = resolver({ 'a/package.json': manifest('a', '1.0.0'), 'a/src/x.js': '' });
  symlinkSync(join(linked.folder, 'a/src'), join(linked.folder, 'elsewhere'));
  expect(linked.of('elsewhere/x.js')).toBe('a@1.0.0');
});

it('takes file: URLs, and names of bundled files', () => {
  const { folder, of } = resolver({
    'node_modules/plain/package.json': manifest('plain', '1.2.3'),
  });
  expect(of(pathToFileURL(join(folder, 'node_modules/plain/index.js')).href)).toBe('plain@1.2.3');
  expect(of('webpack://app/./node_modules/@scope/part/index.js')).toBe('@scope/part@');
  expect(of('webpack://app/./src/index.ts')).toBeNull();
  expect(of('node:internal/modules/cjs/loader')).toBeNull();
});

it('reads each package.json once', () => {
  const { folder, of } = resolver({
    'package.json': manifest('app', '1.0.0'),
    'node_modules/plain/package.json': manifest('plain', '1.2.3'),
  });
  expect([of('node_modules/plain/a.js'), of('src/a.js')]).toEqual(['plain@1.2.3', 'app@1.0.0']);
  rmSync(folder, { recursive: true });
  expect([of('node_modules/plain/b.js'), of('src/b.js')]).toEqual(['plain@1.2.3', 'app@1.0.0']);
});
