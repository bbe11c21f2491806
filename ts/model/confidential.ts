// SPDX-License-Identifier: MIT

/** Whose source lines a report must not show. */
export const CONFIDENTIAL = ['all', 'none', 'default'] as const;
export type Confidential = (typeof CONFIDENTIAL)[number];
