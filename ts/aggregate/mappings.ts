// SPDX-License-Identifier: MIT

import { ALLOCATOR_MMAP } from '../model/profile.js';
import { locationKey } from './location-table.js';

const NO_THREAD = 0;

/** Deltas name the stack that owns the pages but no thread: pages outlive and change threads. */
export const MAPPING_KEY = locationKey(NO_THREAD, ALLOCATOR_MMAP);
