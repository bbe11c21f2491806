// SPDX-License-Identifier: MIT
// The numbers of the capture format where they stand: docs/format.md and the C++ headers.

import { readFileSync } from 'node:fs';

const read = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** Rows of the tables under a heading of docs/format.md (up to the next heading), without head and code marks. */
export function specTables(heading: string): string[][][] {
  const sections = read('docs/format.md').split(/^#+ /m);
  const section = sections.find((part) => part.startsWith(heading));
  if (section === undefined) throw new Error(`docs/format.md has no section "${heading}"`);
  const tables = section.match(/(?:^\|.*\n)+/gm) ?? [];
  return tables.map((table) =>
    table
      .trim()
      .split('\n')
      .slice(2)
      .map((row) =>
        row
          .slice(1, -1)
          .split('|')
          .map((cell) => cell.trim().replaceAll('`', '')),
      ),
  );
}

/** One table's columns `name` → `value`. */
export const columns = (table: string[][], name: number, value: number): Record<string, number> =>
  Object.fromEntries(table.map((row) => [row[name], Number(row[value])]));

/** `kMaxBlockBytes` → 16777216, for every constant of a header whose value is a number. */
export function cppConstants(path: string): Record<string, number> {
  const found = read(path).matchAll(/inline constexpr \w+ (k\w+) = (0x[\dA-F]+|\d+);/g);
  return Object.fromEntries([...found].map(([, name, value]) => [name, Number(value)]));
}

/** An enum class in the spelling of the spec: `kThreadStart = 0x22` → thread_start: 0x22. */
export function cppEnum(name: string): Record<string, number> {
  const body = new RegExp(`enum class ${name} : \\w+ \\{([^}]*)\\}`).exec(
    read('cpp/format/format.h') + read('cpp/format/rings.h'),
  )?.[1];
  if (body === undefined) throw new Error(`no enum class ${name}`);
  const found = body.matchAll(/k(\w+) = (0x[\dA-F]+|\d+)/g);
  return Object.fromEntries(
    [...found].map(([, key, value]) => [snake(key as string), Number(value)]),
  );
}

/** `CaptureId` → `capture_id`, `V8Platform` → `v8_platform`. */
export const snake = (name: string): string =>
  name.replace(/(?<=[a-z\d])[A-Z]/g, (letter) => `_${letter}`).toLowerCase();

/** Constants with a prefix and a suffix, in the spelling of the spec. */
export function cppOffsets(path: string, prefix: string, suffix: string): Record<string, number> {
  const entries = Object.entries(cppConstants(path)).filter(
    ([name]) => name.startsWith(prefix) && name.endsWith(suffix),
  );
  return Object.fromEntries(
    entries.map(([name, value]) => [snake(name.slice(prefix.length, -suffix.length)), value]),
  );
}

/** Bytes of a C++ array of characters and numbers. */
export function cppBytes(path: string, name: string): number[] {
  const body = new RegExp(`${name}\\[\\d+\\] = \\{([^}]*)\\}`).exec(read(path))?.[1] ?? '';
  const escapes: Record<string, number> = { "'\\r'": 13, "'\\n'": 10 };
  return body.split(',').map((part) => {
    const text = part.trim();
    return escapes[text] ?? (text.startsWith("'") ? text.charCodeAt(1) : Number(text));
  });
}

/** `allocator: 0 malloc 1 calloc …` in the bit diagrams. */
export function specList(pattern: RegExp): Record<string, number> {
  const text = pattern.exec(read('docs/format.md'))?.[1] ?? '';
  const found = text.matchAll(/(\d) ([a-z_]+(?:[, ]+unaligned)?)/g);
  return Object.fromEntries([...found].map(([, value, name]) => [name, Number(value)]));
}
