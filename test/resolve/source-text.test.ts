// SPDX-License-Identifier: MIT
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sourceLineKey } from '../../ts/decode/tables.js';
import { sourceText } from '../../ts/resolve/source-text.js';
import { CaptureBuilder } from '../model/capture-builder.js';
import { folderOf } from '../support/folder.js';

const SOURCE = 'const kept = [];\nfunction grow() {\n  kept.push(Buffer.alloc(9));\n}\n';

/** A capture that has line 3 of a file, which now has other text or is gone. */
function known(now: string | null, text = 'kept.push(Buffer.alloc(9));') {
  const file = join(folderOf(now === null ? {} : { 'a.js': now }), 'a.js');
  const builder = new CaptureBuilder();
  builder.tables.sourceLines.set(sourceLineKey(file, 3, 0), text);
  const end = builder.end();
  // As if the program had ended after the file was written.
  const header = { ...end.header, startUnixNs: BigInt(Date.now() + 60_000) * 1_000_000n };
  return sourceText({ ...end, header }, file);
}

test('the file is shown around a line that is still what the capture says', () => {
  expect(known(SOURCE)?.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5]);
  expect(known(SOURCE)?.[2]?.text).toBe('  kept.push(Buffer.alloc(9));');
});

test('a file that is gone, or has become another one, is the lines in the capture', () => {
  const line = { number: 3, text: 'kept.push(Buffer.alloc(9));' };
  expect(known(null)).toEqual([line]);
  expect(known(SOURCE.replace('const kept = [];', '// a line more\nconst kept = [];'))).toEqual([
    line,
  ]);
});

test('part of a long line is no other line', () => {
  expect(known(SOURCE, '…alloc(9));')).toHaveLength(5);
});

test('what nobody knows is nothing', () => {
  expect(sourceText(new CaptureBuilder().end(), '/nowhere/a.js')).toBeNull();
});
