// SPDX-License-Identifier: MIT
// How editors are told which file and line.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { editorArguments, editorOf, openInEditor } from '../../ts/tui/editor.js';
import { folderOf } from '../support/folder.js';

test.each([
  ['vi', ['+12', '/app/a.js']],
  ['/usr/bin/nvim -p', ['+12', '/app/a.js']],
  ['emacs -nw', ['+12', '/app/a.js']],
  ['nano', ['+12', '/app/a.js']],
  ['code --wait', ['--goto', '/app/a.js:12']],
  ['/opt/bin/codium', ['--goto', '/app/a.js:12']],
  ['subl -w', ['/app/a.js:12']],
  ['hx', ['/app/a.js:12']],
  ['webstorm.sh', ['--line', '12', '/app/a.js']],
])('%s', (editor, args) => {
  expect(editorArguments(editor, '/app/a.js', 12)).toEqual(args);
});

test('VISUAL comes before EDITOR, and an empty one is none', () => {
  expect(editorOf({ VISUAL: 'code', EDITOR: 'vi' })).toBe('code');
  expect(editorOf({ VISUAL: ' ', EDITOR: 'vi' })).toBe('vi');
  expect(editorOf({})).toBeUndefined();
});

test('the editor gets hostile names as they are, and its end is told', () => {
  // It stays in its folder wherever it is run.
  const folder = folderOf({
    'edit.sh': 'cd "$(dirname "$0")"; for word; do echo "$word"; done > told; exit "$CODE"',
  });
  const file = `/app/$(touch ${join(folder, 'owned')}) "'; .js`;
  const editor = `cd ${folder} && CODE=0 sh edit.sh --wait`;
  expect(openInEditor(editor, file, 7)).toBeNull();
  expect(readFileSync(join(folder, 'told'), 'utf8')).toBe(`--wait\n+7\n${file}\n`);
  expect(() => readFileSync(join(folder, 'owned'))).toThrow('ENOENT');
  expect(openInEditor(`CODE=3 sh ${join(folder, 'edit.sh')}`, file, 7)).toMatch(
    /ended with code 3$/,
  );
});
