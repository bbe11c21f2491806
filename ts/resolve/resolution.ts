// SPDX-License-Identifier: MIT
// Everything that the names of one capture are looked up in.

import type { CaptureEnd } from '../decode/read-capture.js';
import { hasDebugFile } from './debug-files.js';
import { debuginfodServers, fetchDebugFiles } from './debuginfod.js';
import { type Demangle, ElfSymbols } from './elf.js';
import { type Resolvers, unnamedModules } from './embed.js';
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
  /** Gets what has to come over the network first. */
  prepare(): Promise<void>;
  /** What went wrong so far. */
  problems(): NameProblem[];
  close(): void;
}

export interface ResolutionOptions {
  readonly demangle?: Demangle;
  /** Source maps of scripts that exist only in memory. */
  readonly inMemoryMap?: (file: string) => string | undefined;
}

const NO_TOOL =
  'debug information not read: install llvm (llvm-symbolizer) or binutils (addr2line)';
/** Nobody looks for lines of the C library, although its debug information may be installed. */
const SYSTEM = /^\/(?:usr\/(?!local\/)|lib)/;
const NS_PER_MS = 1_000_000n;

export function openResolution(end: CaptureEnd, options: ResolutionOptions = {}): Resolution {
  const { demangle, inMemoryMap } = options;
  const ended = endedAtMs(end);
  const elf = new ElfSymbols({ endedAtMs: ended, ...(demangle !== undefined && { demangle }) });
  const maps = new SourceMaps({
    endedAtMs: ended,
    inMemory: inMemoryMap ?? ((file) => end.tables.sourceMaps.get(file)),
  });
  const native = new CheckedElf(elf);
  const downloads: NameProblem[] = [];
  return {
    resolvers: { native, maps, packages: new Packages() },
    prepare: async () => {
      downloads.push(...(await downloadDebugFiles(end)));
    },
    problems: () => [
      ...downloads,
      ...native.problems,
      ...[...maps.problems].map(([file, why]) => ({ file, problem: `source map ${why}` })),
    ],
    close: () => elf.close(),
  };
}

/** Only for modules without lines of their own, and only when the user has named servers. */
export async function downloadDebugFiles(end: CaptureEnd): Promise<NameProblem[]> {
  if (debuginfodServers().length === 0) return [];
  const wanted = new Map<string, string>();
  for (const id of unnamedModules(end.tables)) {
    if (id.buildId !== '' && !hasDebugFile(id, { endedAtMs: endedAtMs(end) }))
      wanted.set(id.buildId, id.path);
  }
  const fetched = await fetchDebugFiles(wanted.keys());
  return fetched.flatMap(({ buildId, problem }) =>
    problem === '' ? [] : [{ file: wanted.get(buildId) ?? '', problem: `debuginfod: ${problem}` }],
  );
}

/** What nobody finalized, or lost its end since, lacks names. */
export function isNamed({ header, truncated, bytesDropped }: CaptureEnd): boolean {
  return header.finalized && !truncated && bytesDropped === 0;
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
    const found = this.#elf.locate(module, offsets);
    if (!SYSTEM.test(module.path) && this.#elf.lacksTool(module)) {
      this.problems.push({ file: module.path, problem: NO_TOOL });
    }
    return found;
  }
}
