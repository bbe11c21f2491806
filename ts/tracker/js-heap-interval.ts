// SPDX-License-Identifier: MIT
// Bytes that a JavaScript heap allocates between two samples, on average.

/** A quarter of V8's own default: half the error, and no more cost than can be seen. */
export const DEFAULT_JS_HEAP_INTERVAL = 128 * 1024;
export const MIN_JS_HEAP_INTERVAL = 1024;
export const MAX_JS_HEAP_INTERVAL = 1024 ** 3;
