// SPDX-License-Identifier: MIT
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { NativeError } from '../../ts/native/native-error.js';
import { FileDestination } from '../../ts/tracker/destination.js';
import { didYouMean } from '../../ts/tracker/did-you-mean.js';
import { resolveOptions } from '../../ts/tracker/options.js';
import { UsageError } from '../../ts/tracker/usage-error.js';
import { folderOf, temporaryFolder } from '../support/folder.js';

function thrownBy(action: () => unknown): {
  name: string;
  code: string;
  message: string;
  hint: string;
} {
  try {
    action();
  } catch (error) {
    return error as ReturnType<typeof thrownBy>;
  }
  throw new Error('nothing was thrown');
}

describe('Tracker options', () => {
  test('have defaults, and a path is short for all of them', () => {
    const folder = temporaryFolder();
    const path = join(folder, 'a.bin');
    const defaults = {
      path,
      overwrite: false,
      native: false,
      intervalMs: 10,
      follow: false,
      jsHeapInterval: 0,
    };
    expect(resolveOptions(path)).toEqual(defaults);
    expect(resolveOptions({ destination: path })).toEqual(defaults);
    expect(resolveOptions({ destination: new FileDestination(path) })).toEqual(defaults);
  });

  test('may all be given', () => {
    const folder = folderOf({ 'a.bin': 'old' });
    const destination = new FileDestination(join(folder, 'a.bin'), { overwrite: true });
    const given = { destination, native: true, interval: 500, follow: true, jsHeap: 4096 };
    expect(resolveOptions(given)).toEqual({
      path: join(folder, 'a.bin'),
      overwrite: true,
      native: true,
      intervalMs: 500,
      follow: true,
      jsHeapInterval: 4096,
    });
  });

  test('sample the JavaScript heap every 128 KiB unless told otherwise', () => {
    const destination = join(temporaryFolder(), 'a.bin');
    expect(resolveOptions({ destination, jsHeap: true }).jsHeapInterval).toBe(131_072);
    expect(resolveOptions({ destination, jsHeap: false }).jsHeapInterval).toBe(0);
  });

  test('fill in the process id and the time', () => {
    const folder = temporaryFolder();
    const { path } = resolveOptions(join(folder, '%p-%t-%%-%x.bin'));
    const seconds = Number(new RegExp(`${process.pid}-(\\d+)-%-%x\\.bin$`).exec(path)?.[1]);
    expect(Math.abs(seconds - Date.now() / 1000)).toBeLessThan(10);
  });

  test('without a path make one in the working directory', () => {
    const { path } = resolveOptions(undefined);
    expect(path).toMatch(new RegExp(`^${process.cwd()}/memtape-[\\w.-]+\\.${process.pid}\\.bin$`));
  });

  test.each([
    [{ intervall: 5 }, 'unknown option "intervall"; did you mean "interval"?'],
    [{ file_name: 'x' }, 'unknown option "file_name"'],
    [{ Native: true }, 'unknown option "Native"; did you mean "native"?'],
    [{ followFork: true }, 'unknown option "followFork"'],
    [
      { interval: 0 },
      'option "interval" must be a whole number of milliseconds from 1 to 60000, got 0',
    ],
    [{ interval: 1.5 }, 'got 1.5 (number)'],
    [{ interval: '10' }, 'got "10"'],
    [{ interval: Number.NaN }, 'got NaN (number)'],
    [
      { jsHeap: 100 },
      'option "jsHeap" must be true, false or a whole number of bytes from 1024 to 1073741824, got 100',
    ],
    [{ native: 1 }, 'option "native" must be true or false, got 1 (number)'],
    [
      { destination: 5 },
      'option "destination" must be a path or a FileDestination, got 5 (number)',
    ],
    [{ destination: '' }, 'got ""'],
    [5, 'options must be a path or an object, got 5 (number)'],
    [['a.bin'], 'options must be a path or an object'],
  ])('%j is refused by name', (options, message) => {
    const error = thrownBy(() => resolveOptions(options));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toContain(message);
    expect(error.code).toBe('ERR_MEMTAPE_USAGE');
  });

  test('a hint lists what is known', () => {
    const { hint } = thrownBy(() => resolveOptions({ nativ: true }));
    expect(hint).toBe('known: destination, native, interval, follow, jsHeap');
  });

  test.each([
    ['dir/a.bin', 'ENOENT', 'there is no folder'],
    ['old.bin', 'EEXIST', 'exists already'],
    ['folder', 'EISDIR', 'it is a folder'],
    ['old.bin/a.bin', 'ENOTDIR', 'is not a folder'],
  ])('the path %s is refused with %s', (name, code, message) => {
    const folder = folderOf({ 'old.bin': 'old', 'folder/x': '' });
    const error = thrownBy(() => resolveOptions(join(folder, name)));
    expect(error).toBeInstanceOf(NativeError);
    expect(error).toMatchObject({ code });
    expect(error.message).toContain(message);
  });

  test('a device is refused even with overwrite', () => {
    const destination = new FileDestination('/dev/null', { overwrite: true });
    expect(thrownBy(() => resolveOptions({ destination })).message).toContain('not a regular file');
  });

  test.skipIf(process.getuid?.() === 0)('a folder without permission is refused', () => {
    const folder = temporaryFolder();
    chmodSync(folder, 0o500);
    expect(thrownBy(() => resolveOptions(join(folder, 'a.bin'))).code).toBe('EACCES');
  });
});

describe('didYouMean', () => {
  test.each([
    ['intervall', 'interval'],
    ['intervla', 'interval'],
    ['natvie', 'native'],
    ['FOLLOW', 'follow'],
    ['on-exit', 'onExit'],
    ['zzz', undefined],
    ['', undefined],
  ])('%j → %j', (word, meant) => {
    expect(didYouMean(word, ['interval', 'native', 'follow', 'onExit'])).toBe(meant);
  });
});
