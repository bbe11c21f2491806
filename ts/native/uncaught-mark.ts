// SPDX-License-Identifier: MIT

/** How the mark begins that the preload script sets when an exception is about to end the process. */
export const UNCAUGHT_MARK = 'uncaught ';
