// SPDX-License-Identifier: MIT
// The public API. Everything here is documented where it is defined.
export { FormatError } from './decode/format-error.js';
export { NativeError } from './native/native-error.js';
export { FileDestination, type FileDestinationOptions } from './tracker/destination.js';
export type { TrackerOptions } from './tracker/options.js';
export { Tracker, type TrackerSummary, track } from './tracker/tracker.js';
export { UsageError } from './tracker/usage-error.js';
