// SPDX-License-Identifier: MIT

/** The bytes are not what docs/format.md says. The only error that a reader's input can cause. */
export class FormatError extends Error {
  readonly code = 'ERR_MEMTAPE_FORMAT';
  /** Of the file, where it is one. */
  path: string | undefined = undefined;
  /** Where in the file (in a block's payload: where in the payload) the trouble is. */
  readonly offset: number;
  /** The part of docs/format.md that the bytes break, such as `§2`. */
  readonly section: string;

  constructor(message: string, offset: number, section: string) {
    super(message);
    this.name = 'FormatError';
    this.offset = offset;
    this.section = section;
  }
}
