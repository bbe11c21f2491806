// SPDX-License-Identifier: MIT
import { describe, expect, test } from 'vitest';
import { preloadVariable, traceEnvironment } from '../../ts/tracker/environment.js';
import { environmentDefaults } from '../../ts/tracker/environment-defaults.js';

const files = { addon: '/m/memtape.node', preload: '/m/libmemtape.so' };
const settings = {
  output: '/o/%p.bin',
  intervalMs: 10,
  native: false,
  follow: true,
  force: false,
  jsHeapInterval: 4096,
};

describe('the environment of a recorded process', () => {
  test('sets everything, so that nothing is left from another recording', () => {
    expect(traceEnvironment(settings, files, {})).toEqual({
      [preloadVariable]: '/m/libmemtape.so',
      MEMTAPE_OUTPUT: '/o/%p.bin',
      MEMTAPE_INTERVAL: '10',
      MEMTAPE_NATIVE: '0',
      MEMTAPE_FOLLOW: '1',
      MEMTAPE_FORCE: '0',
      MEMTAPE_JS_HEAP: '4096',
      MEMTAPE_ADDON: '/m/memtape.node',
    });
  });

  test.each([
    ['/other.so', '/m/libmemtape.so:/other.so'],
    ['/m/libmemtape.so', '/m/libmemtape.so'],
    ['/a.so:/m/libmemtape.so:/b.so', '/m/libmemtape.so:/a.so:/b.so'],
    ['', '/m/libmemtape.so'],
  ])('with %j preloaded already preloads %s', (inherited, value) => {
    const environment = traceEnvironment(settings, files, { [preloadVariable]: inherited });
    expect(environment[preloadVariable]).toBe(value);
  });
});

describe('defaults from the environment', () => {
  test('are what the variables say', () => {
    expect(environmentDefaults({})).toEqual({});
    expect(
      environmentDefaults({ MEMTAPE_INTERVAL: '50', MEMTAPE_NATIVE: '1', MEMTAPE_FOLLOW: '0' }),
    ).toEqual({ intervalMs: 50, native: true, follow: false });
    expect(environmentDefaults({ MEMTAPE_JS_HEAP: '0' })).toEqual({ jsHeapInterval: 0 });
    expect(environmentDefaults({ MEMTAPE_JS_HEAP: '65536' })).toEqual({ jsHeapInterval: 65_536 });
  });

  test('never are the output of the process around this one', () => {
    expect(environmentDefaults({ MEMTAPE_OUTPUT: '/o/1.bin', MEMTAPE_FORCE: '1' })).toEqual({});
  });

  test.each([
    [{ MEMTAPE_INTERVAL: '0' }, 'MEMTAPE_INTERVAL must be a whole number from 1 to 60000, got "0"'],
    [{ MEMTAPE_INTERVAL: '1e3' }, 'got "1e3"'],
    [{ MEMTAPE_INTERVAL: '' }, 'got ""'],
    [{ MEMTAPE_NATIVE: 'yes' }, 'MEMTAPE_NATIVE must be 0 or 1, got "yes"'],
    [{ MEMTAPE_FOLLOW: '2' }, 'MEMTAPE_FOLLOW must be 0 or 1'],
    [{ MEMTAPE_JS_HEAP: '100' }, 'MEMTAPE_JS_HEAP must be 0 or a whole number from 1024 to'],
  ])('%j is refused', (environment, message) => {
    expect(() => environmentDefaults(environment)).toThrow(message);
  });
});
