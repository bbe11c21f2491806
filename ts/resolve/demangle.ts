// SPDX-License-Identifier: MIT
import { loadBinding } from '../native/binding.js';
import { demangleRust } from './rust-names.js';

/** Readable C++ and Rust names; those of C++ as they are where the addon, which knows them, cannot be loaded. */
export function demangle(names: readonly string[]): readonly string[] {
  const readable = names.map(demangleRust);
  const others = names.filter((_, i) => readable[i] === null);
  const plain = demangleCpp(others);
  let next = 0;
  return readable.map((name) => name ?? plain[next++] ?? '');
}

function demangleCpp(names: readonly string[]): readonly string[] {
  try {
    return loadBinding().demangle([...names]);
  } catch {
    return names;
  }
}
