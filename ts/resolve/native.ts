// SPDX-License-Identifier: MIT
// What every source of native names answers: symbol tables now, line tables where they exist.

export interface ModuleId {
  readonly path: string;
  /** Hexadecimal, '' when the module has none: then its file cannot be checked. */
  readonly buildId: string;
}

export interface NativeLocation {
  readonly name: string;
  /** '' and 0 when unknown. */
  readonly file: string;
  readonly line: number;
}

export interface NativeSymbolizer {
  /**
   * For each address of the module: the function it is in, then the calls inlined into it,
   * outermost first.
   */
  locate(module: ModuleId, offsets: readonly number[]): (readonly NativeLocation[])[];
}
