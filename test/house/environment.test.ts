// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { variables } from '../../ts/tracker/environment.js';

test('docs/environment.md has a row for each variable, and the same words', () => {
  const page = readFileSync(new URL('../../docs/environment.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| `(MEMTAPE_\w+)` \|.*\|.*\|.*\|$/gm)].map(([row]) => row);
  expect(rows).toEqual(
    variables.map(
      ({ name, expected, fallback, meaning }) =>
        `| \`${name}\` | ${expected} | ${fallback} | ${meaning} |`,
    ),
  );
});
