// SPDX-License-Identifier: MIT

/** Something that the operating system or the native half of memtape refused. */
export class NativeError extends Error {
  override readonly name = 'NativeError';
  /** A stable name: an errno name such as `ENOSPC`, or `ERR_MEMTAPE_…`. */
  readonly code: string;
  /** The operating system's error number, where there is one. */
  readonly errno: number | undefined;
  /** One line that says what to do about it. */
  readonly hint: string | undefined;

  constructor(
    message: string,
    details: { code: string; errno?: number | undefined; hint?: string; cause?: unknown },
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = details.code;
    this.errno = details.errno;
    this.hint = details.hint;
  }

  /** What a native call threw, as a NativeError. */
  static from(thrown: unknown, fallbackCode: string): NativeError {
    if (thrown instanceof NativeError) return thrown;
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    const { code, errno } = error as { code?: unknown; errno?: unknown };
    return new NativeError(error.message, {
      code: typeof code === 'string' ? code : fallbackCode,
      errno: typeof errno === 'number' ? errno : undefined,
      cause: thrown,
    });
  }
}
