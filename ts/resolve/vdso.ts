// SPDX-License-Identifier: MIT
// The library that the kernel maps into each process: the one here is the program's as long as the kernel is (its build-id says so).
import { readFileSync } from 'node:fs';

/** What a module is called that is no file. */
export const VDSO = '[vdso]';

/** Where it lies in this process; null where it has none. */
export function vdsoRange(): { readonly begin: number; readonly bytes: number } | null {
  try {
    const maps = readFileSync('/proc/self/maps', 'latin1');
    const [, begin = '', end = ''] = /^([0-9a-f]+)-([0-9a-f]+) .*\[vdso\]$/m.exec(maps) ?? [];
    if (begin === '') return null;
    const [from, to] = [Number.parseInt(begin, 16), Number.parseInt(end, 16)];
    return { begin: from, bytes: to - from };
  } catch {
    return null;
  }
}
