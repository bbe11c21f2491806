// SPDX-License-Identifier: MIT
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  fitted,
  fittedEnd,
  fittedPlace,
  padEnd,
  padStart,
  textWidth,
} from '../../ts/model/terminal-text.js';

describe('columns', () => {
  test.each([
    ['short', 10, 'short'],
    ['exactly-10', 10, 'exactly-10'],
    ['longer than that', 10, 'longer th…'],
    ['漢字漢字漢字', 6, '漢字…'],
    ['anything', 0, ''],
  ])('%s in %i columns is %s', (text, width, expected) => {
    expect(fitted(text, width)).toBe(expected);
  });

  test('paths keep their end', () => {
    expect(fittedEnd('/very/long/path/file.js:12', 12)).toBe('…/file.js:12');
    expect(fittedEnd('/a.js', 12)).toBe('/a.js');
  });

  test('a name gives way to a place only when both are long', () => {
    expect(fittedPlace('f', ' at ', '/a.js:1', 40)).toBe('f at /a.js:1');
    expect(fittedPlace('f', ' at ', '/very/long/path/file.js:12', 20)).toBe('f at …ath/file.js:12');
    expect(fittedPlace('aVeryLongFunctionName', ' at ', '/very/long/path/file.js:12', 24)).toBe(
      'aVeryLong… at …ile.js:12',
    );
    expect(fittedPlace('(GC)', ' at ', '', 20)).toBe('(GC)');
  });

  test('wide characters are padded by what they take', () => {
    expect(padEnd('漢', 4)).toBe('漢  ');
    expect(padStart('漢', 4)).toBe('  漢');
  });

  test('never wider than asked, never unprintable', () => {
    const text = fc.string({ unit: 'binary', maxLength: 40 });
    fc.assert(
      fc.property(text, text, fc.integer({ min: 0, max: 30 }), (name, place, width) => {
        expect(textWidth(fitted(name, width))).toBeLessThanOrEqual(width);
        expect(textWidth(fittedEnd(name, width))).toBeLessThanOrEqual(width);
        const both = fittedPlace(name, ' at ', place, width + 8);
        expect(textWidth(both)).toBeLessThanOrEqual(width + 8);
        expect(both).not.toMatch(/\p{Cc}/u);
      }),
      { numRuns: 30 },
    );
  });
});
