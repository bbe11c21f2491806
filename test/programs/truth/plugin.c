// SPDX-License-Identifier: MIT
// The shared object that truth loads and unloads.

#include <stdlib.h>

void* plugin_allocate(size_t size) {
  void* volatile address = malloc(size);
  return address;
}
