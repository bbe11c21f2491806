// SPDX-License-Identifier: MIT
import { describe, expect, test } from 'vitest';
import {
  absoluteTemplate,
  defaultTemplate,
  escapeTemplate,
  expandTemplate,
} from '../../ts/tracker/destination.js';

describe('path templates', () => {
  test.each([
    ['a-%p-%t-%%.bin', { pid: 7, unixSeconds: 9 }, 'a-7-9-%.bin'],
    ['%%p', { pid: 7 }, '%p'],
    ['%%%p', { pid: 7 }, '%7'],
    ['%x%', { pid: 7 }, '%x%'],
    ['%p-%t-%%', { unixSeconds: 9 }, '%p-9-%%'],
  ])('%s with %j is %s', (template, values, path) => {
    expect(expandTemplate(template, values)).toBe(path);
  });

  test('filled in one by one or at once come out the same', () => {
    const template = '/%%/%t/%p%%p.%%t';
    const atOnce = expandTemplate(template, { pid: 1, unixSeconds: 2 });
    const byAndBy = expandTemplate(expandTemplate(template, { unixSeconds: 2 }), { pid: 1 });
    expect(byAndBy).toBe(atOnce);
  });

  test("a working directory's own % survives", () => {
    const template = absoluteTemplate('a.%p.bin', '/100%p');
    expect(expandTemplate(template, { pid: 7 })).toBe('/100%p/a.7.bin');
    expect(expandTemplate(escapeTemplate('50%t'), { pid: 7, unixSeconds: 1 })).toBe('50%t');
  });

  test.each([
    ['app.js', 'memtape-app.%p.bin'],
    ['/x/y/my.server.mjs', 'memtape-my.server.%p.bin'],
    ['-', 'memtape--.%p.bin'],
    ['a b%p.js', 'memtape-a_b_p.%p.bin'],
    ['', 'memtape-node.%p.bin'],
  ])('the capture of %j is called %s', (program, name) => {
    expect(defaultTemplate(program)).toBe(name);
  });
});
