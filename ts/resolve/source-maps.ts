// SPDX-License-Identifier: MIT
// Where generated code came from: positions and function names through source maps.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  decodedMappings,
  FlattenMap,
  originalPositionFor,
  type SourceMapSegment,
  type TraceMap,
} from '@jridgewell/trace-mapping';
import * as z from 'zod/mini';
import {
  type FoundMap,
  MapFinder,
  type MapFinderOptions,
  type MapProblem,
  mayBelongTo,
} from './map-finder.js';

export interface OriginalPosition {
  readonly file: string;
  readonly line: number;
  /** 0 when the generated column was unknown. */
  readonly column: number;
}

export interface SourceMapsOptions extends MapFinderOptions {
  /** Bytes of map text that stay loaded; decoded they take about ten times as much. */
  readonly maxCachedBytes?: number;
  readonly maxCachedFiles?: number;
}

interface Entry {
  readonly map: TraceMap | null;
  readonly path: string | null;
  readonly bytes: number;
  lines: readonly string[] | null;
}

const MAX_CACHED_BYTES = 1 << 27;
const MAX_CACHED_FILES = 512;
// How far before a function its name may stand: `class Name extends Base { constructor(`.
const NAME_WINDOW = 256;

const PLAIN_MAP = z.looseObject({
  version: z.literal([3, '3']),
  file: z.nullish(z.string()),
  sourceRoot: z.nullish(z.string()),
  sources: z.array(z.nullable(z.string())),
  names: z._default(z.array(z.string()), []),
  mappings: z.string(),
});
const SECTIONED_MAP = z.looseObject({
  version: z.literal([3, '3']),
  file: z.nullish(z.string()),
  sections: z.array(
    z.looseObject({
      offset: z.object({
        line: z.int().check(z.nonnegative()),
        column: z.int().check(z.nonnegative()),
      }),
      map: PLAIN_MAP,
    }),
  ),
});
const MAP = z.union([SECTIONED_MAP, PLAIN_MAP]);

export class SourceMaps {
  readonly #finder: MapFinder;
  readonly #maxBytes: number;
  readonly #maxFiles: number;
  /** In order of use, the latest last. */
  readonly #entries = new Map<string, Entry>();
  /** Of sources that are file: URLs. */
  readonly #paths = new Map<string, string>();
  readonly #problems = new Map<string, MapProblem>();
  #bytes = 0;
  #latest: { readonly file: string; readonly entry: Entry } | null = null;

  constructor(options: SourceMapsOptions = {}) {
    this.#finder = new MapFinder(options);
    this.#maxBytes = options.maxCachedBytes ?? MAX_CACHED_BYTES;
    this.#maxFiles = options.maxCachedFiles ?? MAX_CACHED_FILES;
  }

  /** Files whose map exists or was promised, and could not be used. */
  get problems(): ReadonlyMap<string, MapProblem> {
    return this.#problems;
  }

  /** Lines and columns count from 1, columns in UTF-16 units; column 0 asks for the line alone. */
  originalPosition(file: string, line: number, column: number): OriginalPosition | null {
    const map = line > 0 ? this.#entry(file).map : null;
    if (!map) return null;
    const generated = column > 0 ? column - 1 : firstColumn(map, line);
    const found = originalPositionFor(map, { line, column: generated });
    if (typeof found.source !== 'string' || found.line === null || found.line < 1) return null;
    return {
      file: this.#pathOf(found.source),
      line: found.line,
      column: column > 0 ? found.column + 1 : 0,
    };
  }

  /**
   * The original name of the function that starts at a generated position (V8: its parameter list),
   * or null when the map knows none. `name` is what V8 calls it: the text that must stand where the
   * map has the original.
   */
  functionName(file: string, line: number, column: number, name: string): string | null {
    const identifier = /[\p{ID_Continue}$]+$/u.exec(name)?.[0];
    const entry = this.#entry(file);
    if (!identifier || !entry.map || entry.map.names.length === 0 || line < 1 || column < 1)
      return null;
    const segments = decodedMappings(entry.map)[line - 1];
    const text = this.#line(entry, line);
    if (!segments || text === null) return null;
    const original = originalIdentifier(entry.map, segments, text, column - 1, identifier);
    return original === null ? null : name.slice(0, -identifier.length) + original;
  }

  #entry(file: string): Entry {
    // Callers go file by file.
    if (this.#latest?.file === file) return this.#latest.entry;
    let entry = this.#entries.get(file);
    if (entry) {
      this.#entries.delete(file);
      this.#entries.set(file, entry);
    } else {
      entry = this.#load(file, this.#finder.find(file));
      this.#keep(file, entry);
    }
    this.#latest = { file, entry };
    return entry;
  }

  #load(file: string, found: FoundMap | MapProblem | null): Entry {
    const none: Entry = { map: null, path: null, bytes: 0, lines: null };
    if (found === null) return none;
    if (typeof found === 'string') {
      this.#problems.set(file, found);
      return none;
    }
    const map = parseMap(found);
    if (map === null) return none;
    if (map === 'invalid') {
      this.#problems.set(file, 'invalid');
      return none;
    }
    return { map, path: found.path, bytes: found.text.length, lines: null };
  }

  #keep(file: string, entry: Entry): void {
    this.#entries.set(file, entry);
    this.#bytes += entry.bytes;
    for (const [oldest, old] of this.#entries) {
      const tooMany = this.#bytes > this.#maxBytes || this.#entries.size > this.#maxFiles;
      if (!tooMany || oldest === file) break;
      this.#entries.delete(oldest);
      this.#bytes -= old.bytes;
    }
  }

  #pathOf(source: string): string {
    let path = this.#paths.get(source);
    if (path === undefined) {
      path = fileOf(source);
      this.#paths.set(source, path);
    }
    return path;
  }

  #line(entry: Entry, line: number): string | null {
    if (entry.path === null) return null;
    if (entry.lines === null) {
      try {
        entry.lines = readFileSync(entry.path, 'utf8').split(/\r\n|[\n\r\u2028\u2029]/);
      } catch {
        entry.lines = [];
      }
    }
    return entry.lines[line - 1] ?? null;
  }
}

/** null: a map that was only guessed to be the file's, and is not. */
function parseMap(found: FoundMap): TraceMap | 'invalid' | null {
  let json: unknown;
  try {
    // A first line `)]}'` keeps servers' JSON from being run as a script.
    json = JSON.parse(found.text.replace(/^\)\]\}'[^\n]*\n/, ''));
  } catch {
    return found.guessed ? null : 'invalid';
  }
  const checked = MAP.safeParse(json);
  if (!checked.success) return found.guessed ? null : 'invalid';
  if (found.guessed && (found.path === null || !mayBelongTo(checked.data, found.path))) return null;
  try {
    const map = new FlattenMap(
      checked.data as ConstructorParameters<typeof FlattenMap>[0],
      found.url,
    );
    decodedMappings(map);
    return map;
  } catch {
    return 'invalid';
  }
}

function firstColumn(map: TraceMap, line: number): number {
  const first = decodedMappings(map)[line - 1]?.find((segment) => segment.length > 1);
  return first?.[0] ?? 0;
}

/** Looks back from a function's start for the nearest place where its name stands. */
function originalIdentifier(
  map: TraceMap,
  segments: readonly SourceMapSegment[],
  text: string,
  start: number,
  identifier: string,
): string | null {
  for (let i = lastBefore(segments, start); i >= 0; i--) {
    const segment = segments[i];
    if (!segment || segment[0] < start - NAME_WINDOW) return null;
    if (!standsAt(text, segment[0], identifier)) continue;
    const name = segment.length === 5 ? map.names[segment[4]] : undefined;
    return name !== undefined && name !== '' ? name : null;
  }
  return null;
}

function standsAt(text: string, at: number, identifier: string): boolean {
  if (!text.startsWith(identifier, at)) return false;
  const next = text.charAt(at + identifier.length);
  return next === '' || !/[\p{ID_Continue}$]/u.test(next);
}

function lastBefore(segments: readonly SourceMapSegment[], column: number): number {
  let low = 0;
  let high = segments.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((segments[middle]?.[0] ?? 0) < column) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function fileOf(source: string): string {
  if (!source.startsWith('file:')) return source;
  try {
    return fileURLToPath(source);
  } catch {
    return source;
  }
}
