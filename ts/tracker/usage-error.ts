// SPDX-License-Identifier: MIT

/** A wrong call or command line: an option, an argument, a path. The command exits with 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly code = 'ERR_MEMTAPE_USAGE';
  /** One line that says what to do instead. */
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}
