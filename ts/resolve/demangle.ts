// SPDX-License-Identifier: MIT
import { loadBinding } from '../native/binding.js';

/** Readable C++ names; the names as they are where the addon cannot be loaded. */
export function demangle(names: readonly string[]): readonly string[] {
  try {
    return loadBinding().demangle([...names]);
  } catch {
    return names;
  }
}
