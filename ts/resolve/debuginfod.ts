// SPDX-License-Identifier: MIT
// Debug files from the servers of $DEBUGINFOD_URLS, kept where debuginfod's own client keeps them.
import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

type Environment = Readonly<Record<string, string | undefined>>;

export interface Fetched {
  readonly buildId: string;
  /** Why there is none, unless the servers just do not have it. */
  readonly problem: string;
}

// As debuginfod's client has them: no data for so long is a failure, and what no server had is asked for again
// after that time.
const TIMEOUT_S = 90;
const MISS_MS = 600_000;
const BUILD_ID = /^[0-9a-f]{6,}$/;
const PARALLEL = 4;

export function debuginfodServers(env: Environment = process.env): string[] {
  const words = (env['DEBUGINFOD_URLS'] ?? '').split(/\s+/);
  return words.filter((word) => /^https?:\/\//.test(word)).map((url) => url.replace(/\/+$/, ''));
}

export function cachedDebugFile(buildId: string, env: Environment = process.env): string {
  return join(cacheFolder(env), buildId, 'debuginfo');
}

/** Fills the cache. Nothing that fails here is an error: those names are missing then. */
export async function fetchDebugFiles(
  buildIds: Iterable<string>,
  env: Environment = process.env,
): Promise<Fetched[]> {
  const client = new Client(env);
  const waiting = [...new Set(buildIds)].filter((id) => BUILD_ID.test(id));
  const results: Fetched[] = [];
  const work = async () => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      results.push({ buildId: id, problem: await client.fetch(id) });
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  return results;
}

class Client {
  readonly #env: Environment;
  readonly #servers: string[];
  /** Servers that did not answer are not asked again. */
  readonly #down = new Map<string, string>();
  readonly #stallMs: number;
  readonly #maxMs: number;
  readonly #maxBytes: number;

  constructor(env: Environment) {
    this.#env = env;
    this.#servers = debuginfodServers(env);
    this.#stallMs = (positive(env['DEBUGINFOD_TIMEOUT']) ?? TIMEOUT_S) * 1000;
    this.#maxMs = (positive(env['DEBUGINFOD_MAXTIME']) ?? Number.POSITIVE_INFINITY) * 1000;
    this.#maxBytes = positive(env['DEBUGINFOD_MAXSIZE']) ?? Number.POSITIVE_INFINITY;
  }

  /** Why it could not be fetched; '' when it was, or when no server has it. */
  async fetch(buildId: string): Promise<string> {
    const path = cachedDebugFile(buildId, this.#env);
    if (await isKnown(path)) return '';
    const problems = new Set<string>();
    for (const server of this.#servers) {
      let problem = this.#down.get(server);
      if (problem === undefined) {
        try {
          if (await this.#download(`${server}/buildid/${buildId}/debuginfo`, path)) return '';
          continue;
        } catch (error) {
          problem = reason(error);
          this.#down.set(server, problem);
        }
      }
      problems.add(`${server}: ${problem}`);
    }
    // Only what every server says that it does not have is a miss.
    if (problems.size === 0) await rememberMiss(path);
    return [...problems].join(', ');
  }

  /** false: the server does not have it. */
  async #download(url: string, path: string): Promise<boolean> {
    const limit = new TimeLimit(this.#stallMs, this.#maxMs);
    try {
      const response = await fetch(url, { signal: limit.signal });
      if (response.status === 404) return false;
      if (!response.ok || !response.body) throw new Error(`HTTP ${response.status}`);
      if (Number(response.headers.get('content-length') ?? 0) > this.#maxBytes) {
        await response.body.cancel();
        return false;
      }
      await this.#save(response.body, path, limit);
      return true;
    } finally {
      limit.clear();
    }
  }

  /** Others read the cache meanwhile: a file is in it whole or not at all. */
  async #save(body: ReadableStream<Uint8Array>, path: string, limit: TimeLimit): Promise<void> {
    await mkdir(dirname(path), { recursive: true });
    const temporary = `${path}.${process.pid}`;
    try {
      const chunks = Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]);
      chunks.on('data', () => limit.extend());
      await pipeline(chunks, createWriteStream(temporary), { signal: limit.signal });
      await rename(temporary, path);
    } finally {
      await rm(temporary, { force: true });
    }
  }
}

/** Ends what has stood still for too long, or takes too long in all. */
class TimeLimit {
  readonly #controller = new AbortController();
  readonly #stall: NodeJS.Timeout;
  readonly #total: NodeJS.Timeout | null;

  constructor(stallMs: number, totalMs: number) {
    const end = () => this.#controller.abort(new Error('no answer in time'));
    this.#stall = setTimeout(end, stallMs);
    this.#total = Number.isFinite(totalMs) ? setTimeout(end, totalMs) : null;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  extend(): void {
    this.#stall.refresh();
  }

  clear(): void {
    clearTimeout(this.#stall);
    if (this.#total) clearTimeout(this.#total);
  }
}

function cacheFolder(env: Environment): string {
  const set = env['DEBUGINFOD_CACHE_PATH'];
  if (set) return set;
  const home = env['HOME'] || homedir();
  const old = join(home, '.debuginfod_client_cache');
  if (existsSync(old)) return old;
  return join(env['XDG_CACHE_HOME'] || join(home, '.cache'), 'debuginfod_client');
}

/** There already, or lately missed by all: an empty file stands for that. */
async function isKnown(path: string): Promise<boolean> {
  const file = await stat(path).catch(() => null);
  return file !== null && (file.size > 0 || Date.now() - file.mtimeMs < MISS_MS);
}

async function rememberMiss(path: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, '');
  } catch {
    // The cache cannot be written: it will be asked for again.
  }
}

function positive(text: string | undefined): number | null {
  const value = Number(text);
  return text !== undefined && value > 0 ? value : null;
}

/** `fetch` says what went wrong in the cause. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  return code || cause.message || error.message;
}
