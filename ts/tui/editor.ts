// SPDX-License-Identifier: MIT
// The reader's own editor, at a line.

import { spawnSync } from 'node:child_process';

/** How editors are told the line; all others know `+12 file`, as vi does. */
const DIALECTS: readonly (readonly [RegExp, (file: string, line: number) => string[]])[] = [
  [
    /^(code|code-insiders|codium|vscodium|cursor|windsurf)$/,
    (file, line) => ['--goto', `${file}:${line}`],
  ],
  [/^(subl|sublime_text|zed|zeditor|hx|helix|atom)$/, (file, line) => [`${file}:${line}`]],
  [
    /^(idea|webstorm|phpstorm|pycharm|goland|clion|rider|fleet)$/,
    (file, line) => ['--line', `${line}`, file],
  ],
];

/** What VISUAL or EDITOR say, which may have arguments; undefined when neither says anything. */
export function editorOf({
  VISUAL,
  EDITOR,
}: Readonly<Record<string, string | undefined>>): string | undefined {
  return [VISUAL, EDITOR].find((editor) => editor !== undefined && editor.trim() !== '');
}

export function editorArguments(editor: string, file: string, line: number): string[] {
  const [program = ''] = editor.trim().split(/\s+/);
  const name = program.replace(/^.*[\\/]/, '').replace(/\.(exe|cmd|sh)$/, '');
  const [, dialect] = DIALECTS.find(([names]) => names.test(name)) ?? [];
  return dialect?.(file, line) ?? [`+${line}`, file];
}

/** Runs it to its end, as git does: by a shell, so that EDITOR may be more than a program. Returns what went wrong. */
export function openInEditor(editor: string, file: string, line: number): string | null {
  const args = editorArguments(editor, file, line);
  // Ctrl-C is for the editor.
  const ignore = () => {};
  process.on('SIGINT', ignore);
  try {
    const { status, signal, error } = spawnSync('sh', ['-c', `${editor} "$@"`, editor, ...args], {
      stdio: 'inherit',
    });
    if (error !== undefined) return `${editor}: ${error.message}`;
    if (status === 0) return null;
    return `${editor} ended with ${signal ?? `code ${status}`}`;
  } finally {
    process.off('SIGINT', ignore);
  }
}
