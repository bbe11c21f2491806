// SPDX-License-Identifier: MIT
// Native functions that allocate for whoever called them: what stands between a program and malloc. Runs in Node and in browsers.

import type { Frame } from './frame.js';

/** Of C, which have no namespace. */
const FUNCTIONS =
  /^(?:malloc|calloc|realloc|reallocarray|memalign|aligned_alloc|posix_memalign|valloc|pvalloc|strdup|strndup|mmap(?:64)?|operator new)$/;
/** C++'s standard library and its like, and Rust's. */
const LIBRARIES =
  /^(?:std|__gnu_cxx|__cxxabiv1|alloc::(?:alloc|raw_vec|vec|string|boxed))::|^_*rust_(?:re)?alloc/;

/** Whether a native function allocates on its caller's behalf: `operator new`, `std::vector<…>::push_back`. */
export function isAllocating({ kind, name }: Pick<Frame, 'kind' | 'name'>): boolean {
  if (kind !== 'native') return false;
  const own = qualifiedName(name);
  return FUNCTIONS.test(own) || LIBRARIES.test(own);
}

/** Without parameters, template arguments and what a function template returns. */
function qualifiedName(name: string): string {
  let depth = 0;
  let plain = '';
  for (const character of name) {
    if ('<([{'.includes(character)) depth++;
    else if ('>)]}'.includes(character)) depth = Math.max(0, depth - 1);
    else if (depth === 0) plain += character;
  }
  const text = plain.replace(/ const$/, '').trim();
  if (/(?:^| )operator new$/.test(text)) return 'operator new';
  return text.slice(text.lastIndexOf(' ') + 1);
}
