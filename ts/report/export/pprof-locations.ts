// SPDX-License-Identifier: MIT
// A capture's frames as pprof's locations, functions and mappings: native ones keep their addresses.

import type { StringTable } from 'pprof-format';
import { INLINED } from '../../model/frame.js';
import type { FrameSource } from '../../model/frame-source.js';
import type { NamedStacks } from '../../model/named-stacks.js';
import type { RecordedFrame } from '../../model/process-stacks.js';

interface PprofLine {
  readonly functionId: number;
  readonly line: number;
  readonly column: number;
}

interface PprofLocation {
  readonly id: number;
  readonly mappingId: number;
  readonly address: number;
  readonly line: PprofLine[];
}

interface PprofFunction {
  readonly id: number;
  readonly name: number;
  readonly systemName: number;
  readonly filename: number;
}

/** Identifiers start at 1; 0 is none. */
export class PprofLocations {
  readonly locations: PprofLocation[] = [];
  readonly functions: PprofFunction[] = [];
  readonly #stacks: NamedStacks;
  readonly #strings: StringTable;
  /** Of each process. */
  readonly #byRecorded = new Map<FrameSource, Map<number, number>>();
  readonly #byLabel = new Map<number, number>();
  readonly #functionIds = new Map<string, number>();
  /** Modules of each process, in order of first use. */
  readonly #mappingIds = new Map<FrameSource, Map<number, number>>();
  #mappings = 0;

  constructor(stacks: NamedStacks, strings: StringTable) {
    this.#stacks = stacks;
    this.#strings = strings;
  }

  /** The locations of a stack, leaf first. */
  of(stack: number): number[] {
    return this.#stacks.recordedFrames(stack).map((frame) => this.#location(frame));
  }

  /** The program's own file, the first module there was, comes first: pprof shows its name. */
  mappings() {
    return [...this.#mappingIds].flatMap(([source, ids]) =>
      [...ids]
        .sort(([a], [b]) => a - b)
        .map(([module, id]) => {
          const info = source.module(module);
          return {
            id,
            memoryStart: info?.base ?? 0,
            memoryLimit: info?.end ?? 0,
            filename: this.#strings.dedup(info?.path ?? ''),
            buildId: this.#strings.dedup(info?.buildId ?? ''),
            // What has no name by now has none: pprof would only search for what we searched for.
            hasFunctions: true,
            hasFilenames: true,
            hasLineNumbers: true,
            hasInlineFrames: true,
          };
        }),
    );
  }

  #location(frame: RecordedFrame): number {
    const { recorded, source, frames } = frame;
    const isLabel = recorded === 0;
    const ids = isLabel ? this.#byLabel : inner(this.#byRecorded, source);
    const key = isLabel ? (frames[0] ?? 0) : recorded;
    let id = ids.get(key);
    if (id === undefined) {
      id = this.locations.length + 1;
      ids.set(key, id);
      // The innermost function first, its inlining callers after it.
      const line = frames.map((named) => this.#line(named)).reverse();
      this.locations.push({ id, ...this.#place(frame), line });
    }
    return id;
  }

  /** Return addresses; pprof wants one within the call. */
  #place({ recorded, source }: RecordedFrame): { mappingId: number; address: number } {
    const info = recorded === 0 ? null : source.frame(recorded);
    if (info?.kind !== 'native') return { mappingId: 0, address: 0 };
    const module = source.module(info.module);
    const address = Math.max(0, (module?.bias ?? 0) + info.offset - 1);
    return { mappingId: module === null ? 0 : this.#mapping(source, info.module), address };
  }

  #mapping(source: FrameSource, module: number): number {
    const ids = inner(this.#mappingIds, source);
    const id = ids.get(module) ?? ++this.#mappings;
    ids.set(module, id);
    return id;
  }

  #line(named: number): PprofLine {
    const { name: marked, file, line, column } = this.#stacks.frames.get(named);
    // A location with several lines says so itself.
    const name = marked.endsWith(INLINED) ? marked.slice(0, -INLINED.length) : marked;
    const key = `${name}\0${file}`;
    let functionId = this.#functionIds.get(key);
    if (functionId === undefined) {
      functionId = this.functions.length + 1;
      this.#functionIds.set(key, functionId);
      const text = this.#strings.dedup(name);
      const filename = this.#strings.dedup(file);
      this.functions.push({ id: functionId, name: text, systemName: text, filename });
    }
    return { functionId, line, column };
  }
}

function inner(maps: Map<FrameSource, Map<number, number>>, source: FrameSource) {
  const found = maps.get(source) ?? new Map<number, number>();
  maps.set(source, found);
  return found;
}
