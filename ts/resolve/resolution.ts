// SPDX-License-Identifier: MIT
// Everything that the names of one capture are looked up in.

import type { CaptureEnd } from '../decode/read-capture.js';
import { type Demangle, ElfSymbols } from './elf.js';
import type { Resolvers } from './embed.js';
import type { ModuleId, NativeLocation, NativeSymbolizer } from './native.js';
import { Packages } from './packages.js';
import { SourceMaps } from './source-maps.js';

/** A file whose names could not be looked up, and why: `binary changed`, `source map missing`. */
export interface NameProblem {
  readonly file: string;
  readonly problem: string;
}

export interface Resolution {
  readonly resolvers: Resolvers;
  /** What went wrong so far. */
  problems(): NameProblem[];
  close(): void;
}

export interface ResolutionOptions {
  readonly demangle?: Demangle;
  /** Source maps of scripts that exist only in memory. */
  readonly inMemoryMap?: (file: string) => string | undefined;
}

const NS_PER_MS = 1_000_000n;

export function openResolution(end: CaptureEnd, options: ResolutionOptions = {}): Resolution {
  const { demangle, inMemoryMap } = options;
  const elf = new ElfSymbols(demangle === undefined ? {} : { demangle });
  const maps = new SourceMaps({
    endedAtMs: endedAtMs(end),
    inMemory: inMemoryMap ?? ((file) => end.tables.sourceMaps.get(file)),
  });
  const native = new CheckedElf(elf);
  return {
    resolvers: { native, maps, packages: new Packages() },
    problems: () => [
      ...native.problems,
      ...[...maps.problems].map(([file, why]) => ({ file, problem: `source map ${why}` })),
    ],
    close: () => elf.close(),
  };
}

/** When the process ended, as its own clock had it. */
export function endedAtMs({ header, trailer, endTimeNs }: CaptureEnd): number {
  const end = header.startUnixNs + BigInt(Math.floor(endTimeNs));
  return Number((trailer?.endUnixNs ? BigInt(trailer.endUnixNs) : end) / NS_PER_MS);
}

/** Remembers which modules had no names to give. */
class CheckedElf implements NativeSymbolizer {
  readonly problems: NameProblem[] = [];
  readonly #elf: ElfSymbols;

  constructor(elf: ElfSymbols) {
    this.#elf = elf;
  }

  locate(module: ModuleId, offsets: readonly number[]): NativeLocation[][] {
    const state = this.#elf.state(module);
    if (state === 'changed' || state === 'unreadable') {
      this.problems.push({ file: module.path, problem: `binary ${state}` });
    } else if (state === 'missing' && module.path.startsWith('/')) {
      this.problems.push({ file: module.path, problem: 'binary missing' });
    }
    return this.#elf.locate(module, offsets);
  }
}
