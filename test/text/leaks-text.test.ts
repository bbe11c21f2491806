// SPDX-License-Identifier: MIT
import { describe, expect, test } from 'vitest';
import { textWidth, wrapped } from '../../ts/model/terminal-text.js';
import { leaksCsv, leaksText } from '../../ts/text/leaks-text.js';
import { REPORT, ROW } from './sample-leaks.js';

// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what it looks for
const ESCAPES = /[\u0000-\u0009\u000b-\u001f]/;

describe('leaksText', () => {
  test('is the verdict, its reasons, the places and the ages', () => {
    expect(leaksText(REPORT)).toBe(
      [
        'leak from 0 to 10 min',
        '  Live memory still grows at the end, by 100.000kB a second.',
        '  RSS too.',
        '',
        '  Growth   A second  Survived      Live  Mean age    Trend  Location',
        '60.000MB  100.000kB  59.900MB  70.000MB   305.0 s  growing  remember at /app/cache.js:7',
        '60.000MB  100.000kB  59.900MB  70.000MB             steady  (GC)',
        '',
        '1 more rows; --max-rows shows them.',
        '',
        'Age of live blocks:',
        '  0 – 17.0 s        1.000MB ▇',
        '  17.0 s – 34.0 s        0B',
        '  34.0 s – 11 min  69.500MB ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇',
        '',
        'A note.',
        '',
      ].join('\n'),
    );
  });

  test.each([80, 120, 200])('fits %d columns', (width) => {
    const long = { ...ROW, function: 'f'.repeat(200), file: `/${'d'.repeat(200)}/a.js` };
    const lines = leaksText({ ...REPORT, rows: [long, ...REPORT.rows] }, { width }).split('\n');
    expect(Math.max(...lines.map(textWidth))).toBeLessThanOrEqual(width);
  });

  test('colours only when asked, hostile names inert', () => {
    const evil = { ...REPORT, rows: [{ ...ROW, function: '\u001b[2Jgone\n' }] };
    expect(leaksText(evil)).not.toMatch(ESCAPES);
    expect(leaksCsv(evil).split('\n')[1]).toMatch(/^\ufffd\[2Jgone\ufffd,/);
    expect(leaksText(REPORT, { colour: true })).toContain('\u001b[31mleak');
  });
});

test('wrapped breaks between words and cuts what is longer than a line', () => {
  expect(wrapped('one two three', 7)).toEqual(['one two', 'three']);
  expect(wrapped('incomprehensibilities yes', 10)).toEqual(['incompreh…', 'yes']);
});
