// SPDX-License-Identifier: MIT
// Finds the text of the source map that belongs to a generated file.
import { closeSync, openSync, readFileSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { readMapComment } from './map-comment.js';

export type MapProblem = 'changed' | 'missing' | 'invalid' | 'too large' | 'remote' | 'unreadable';

/** What is known of a generated file at the time when it ran. */
export interface RecordedFile {
  readonly size?: number;
  readonly mtimeMs?: number;
}

export interface MapFinderOptions {
  /** The map of a script that exists only in memory: its JSON, or the URL of its comment. */
  readonly inMemory?: (file: string) => string | undefined;
  readonly recorded?: (file: string) => RecordedFile | undefined;
  /** When the recording ended: a file that was written after it is another one. */
  readonly endedAtMs?: number;
  readonly maxMapBytes?: number;
}

export interface FoundMap {
  readonly text: string;
  /** What the map's relative sources are relative to. */
  readonly url: string;
  /** Path of the generated file, when there is one. */
  readonly path: string | null;
  /** Nothing refers to the map; it lies where one would be. */
  readonly guessed: boolean;
}

export type MapSearch = FoundMap | MapProblem | null;

const MAX_MAP_BYTES = 1 << 28;
// File systems and clocks round differently.
const CLOCK_SLACK_MS = 2000;
const GUESS_SLACK_MS = 10_000;

export class MapFinder {
  readonly #options: MapFinderOptions;
  readonly #maxBytes: number;

  constructor(options: MapFinderOptions) {
    this.#options = options;
    this.#maxBytes = options.maxMapBytes ?? MAX_MAP_BYTES;
  }

  /** null: the file has no map. */
  find(file: string): MapSearch {
    const path = pathOf(file);
    const base = path === null ? file : pathToFileURL(path).href;
    const recorded = this.#options.inMemory?.(file);
    if (recorded !== undefined) {
      if (/^\s*[{)]/.test(recorded)) return { text: recorded, url: base, path, guessed: false };
      return this.#load(recorded, base, path);
    }
    return path === null ? null : this.#findBeside(file, path, base);
  }

  #findBeside(file: string, path: string, base: string): MapSearch {
    let comment: string | null;
    let stat: Stats;
    try {
      stat = statSync(path);
      if (!stat.isFile()) return null;
      comment = commentOf(path, stat.size, this.#maxBytes);
    } catch (error) {
      return isMissing(error) ? null : 'unreadable';
    }
    const found =
      comment === null ? this.#guess(path, stat.mtimeMs) : this.#load(comment, base, path);
    // A file that never had a map may change.
    const isChanged = found !== null && this.#isChanged(stat, this.#options.recorded?.(file));
    return isChanged ? 'changed' : found;
  }

  /** Tools can leave the comment away. A map that is older than the file is another build's. */
  #guess(path: string, writtenMs: number): MapSearch {
    const guess = this.#readMap([`${path}.map`], path, writtenMs - GUESS_SLACK_MS);
    if (guess === 'missing') return null;
    return typeof guess === 'string' ? guess : { ...guess, guessed: true };
  }

  #load(url: string, base: string, path: string | null): MapSearch {
    if (/^data:/i.test(url)) {
      const text = decodeDataUrl(url);
      if (text === null) return 'invalid';
      return { text, url: base, path, guessed: false };
    }
    let target: URL | null = null;
    try {
      target = new URL(url, base);
    } catch {
      // Not a URL: it may still be a path.
    }
    if (target && target.protocol !== 'file:') return 'remote';
    const candidates = [target && pathOf(target.href), path && resolve(dirname(path), url)];
    return this.#readMap(
      candidates.filter((candidate) => candidate !== null),
      path,
    );
  }

  #readMap(
    candidates: readonly string[],
    path: string | null,
    notBeforeMs = 0,
  ): FoundMap | MapProblem {
    for (const candidate of new Set(candidates)) {
      try {
        const stat = statSync(candidate);
        if (!stat.isFile() || stat.mtimeMs < notBeforeMs) continue;
        if (stat.size > this.#maxBytes) return 'too large';
        if (this.#isChanged(stat, undefined)) return 'changed';
        const text = readFileSync(candidate, 'utf8');
        return { text, url: pathToFileURL(candidate).href, path, guessed: false };
      } catch (error) {
        if (!isMissing(error)) return 'unreadable';
      }
    }
    return 'missing';
  }

  #isChanged(stat: Stats, recorded: RecordedFile | undefined): boolean {
    const { endedAtMs } = this.#options;
    if (endedAtMs !== undefined && stat.mtimeMs > endedAtMs + CLOCK_SLACK_MS) return true;
    if (recorded?.size !== undefined && recorded.size !== stat.size) return true;
    return recorded?.mtimeMs !== undefined && Math.abs(recorded.mtimeMs - stat.mtimeMs) >= 1;
  }
}

function commentOf(path: string, size: number, maxBytes: number): string | null {
  const fd = openSync(path, 'r');
  try {
    return readMapComment(fd, size, maxBytes);
  } finally {
    closeSync(fd);
  }
}

/** Whether a map that lies beside a file without a comment may be that file's. */
export function mayBelongTo(map: { file?: string | null | undefined }, path: string): boolean {
  return typeof map.file !== 'string' || basename(map.file) === basename(path);
}

/**
 * The path of a script name, or null when it is no file's: `node:fs`, `evalmachine.<anonymous>`,
 * `wasm://…`.
 */
export function pathOf(file: string): string | null {
  if (file.startsWith('/')) return file;
  if (!file.startsWith('file:')) return null;
  try {
    return fileURLToPath(file);
  } catch {
    return null;
  }
}

function decodeDataUrl(url: string): string | null {
  const match = /^data:([^,]*),/i.exec(url);
  if (!match) return null;
  const body = url.slice(match[0].length);
  if (/;base64$/i.test(match[1] ?? '')) return Buffer.from(body, 'base64').toString('utf8');
  try {
    return decodeURIComponent(body);
  } catch {
    return null;
  }
}

function isMissing(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOENT' || code === 'ENOTDIR';
}
