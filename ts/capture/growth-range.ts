// SPDX-License-Identifier: MIT
// Whether a capture has the range that somebody asks about.

import type { Growth, Moment } from '../aggregate/growth.js';
import { UsageError } from '../tracker/usage-error.js';

const nameOf = (moment: Moment): string =>
  'mark' in moment ? `mark '${moment.mark}'` : `${moment.timeNs / 1e9} s`;

/** A range that never began or ended would have numbers of something else. */
export function checkRange({ fromNs, ended, markNames }: Growth, from?: Moment, to?: Moment): void {
  const marks = markNames.map((name) => `'${name}'`).join(', ');
  const hint = marks === '' ? 'it has no marks' : `its marks: ${marks}`;
  if (from !== undefined && fromNs === null) {
    throw new UsageError(`the capture ends before ${nameOf(from)}`, hint);
  }
  if (to !== undefined && !ended) {
    const after = from === undefined ? '' : `, after ${nameOf(from)}`;
    throw new UsageError(`the capture has no ${nameOf(to)}${after}`, hint);
  }
}
