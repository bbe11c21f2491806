// SPDX-License-Identifier: MIT
// Command-line tests run dist/, so it must be what ts/ says now.
import { bundle } from './build-ts.mjs';

export default bundle;
