// SPDX-License-Identifier: MIT
// What the preload library makes each Node.js environment `--require` (main thread and every worker):
// loads the addon, then takes back every trace of having been loaded, so that the program sees the
// NODE_OPTIONS, execArgv and module cache that it would see without memtape.
const fs: typeof import('node:fs') = require('node:fs');

const workers: Mutable<typeof import('node:worker_threads')> = require('node:worker_threads');

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const flag = '--require';
const addonKey = 'memtape:addon';
const workerKey = 'memtape:worker';

function isThisFile(path: string): boolean {
  try {
    return path === __filename || fs.realpathSync(path) === __filename;
  } catch {
    return false;
  }
}

/** Without the `--require "…/preload.cjs"` that names this file; other words stay as they are. */
function withoutThisFile(options: string): string {
  return options
    .replace(/\s*--require(?:=|\s+)(?:"((?:[^"\\]|\\.)*)"|(\S+))/g, (all, quoted, plain) =>
      isThisFile((quoted as string | undefined)?.replace(/\\(.)/g, '$1') ?? plain) ? '' : all,
    )
    .trim();
}

/** Workers may have an environment of their own, so they learn from their parent what it loaded. */
function addonPaths(): string[] {
  const { platform, arch, env } = process;
  const known = workers.getEnvironmentData(addonKey) ?? env['MEMTAPE_ADDON'];
  if (typeof known === 'string') return [known];
  const prebuilt = `${__dirname}/../prebuilds/${platform}-${arch}/memtape`;
  return [
    `${__dirname}/../build/Release/memtape.node`,
    `${prebuilt}.glibc.node`,
    `${prebuilt}.musl.node`,
    `${prebuilt}.node`,
  ];
}

function loadAddon(): boolean {
  for (const path of addonPaths()) {
    try {
      const addon = { exports: {} as { nameThread?(name: string): void } };
      process.dlopen(addon as unknown as NodeModule, path);
      const worker = workers.getEnvironmentData(workerKey);
      if (typeof worker === 'string') addon.exports.nameThread?.(worker);
      workers.setEnvironmentData(workerKey, undefined);
      workers.setEnvironmentData(addonKey, path);
      return true;
    } catch {
      // The wrong libc, no build, or --permission without addons: native stacks remain, and the
      // capture says why JavaScript ones do not.
    }
  }
  return false;
}

function hideTraces(): void {
  const options = process.env['NODE_OPTIONS'];
  // Without the output the recording ends with this process: its children get no memtape at all.
  if (process.env['MEMTAPE_OUTPUT'] === undefined) delete process.env['MEMTAPE_ADDON'];
  if (options !== undefined) {
    const rest = withoutThisFile(options);
    if (rest !== '') process.env['NODE_OPTIONS'] = rest;
    else delete process.env['NODE_OPTIONS'];
  }
  const at = process.execArgv.findIndex((arg, i) => arg === flag && isThisFile(next(i)));
  if (at >= 0) process.execArgv.splice(at, 2);
  delete require.cache[__filename];
}

function next(index: number): string {
  return process.execArgv[index + 1] ?? '';
}

/**
 * A worker inherits this preload unless it is given its own `env` or `execArgv`. Then it is added to
 * whichever was given; the worker's own run of this file takes it out again.
 */
function followWorkers(): void {
  workers.Worker = new Proxy(workers.Worker, {
    construct: (target, [file, options, ...rest], newTarget) => {
      workers.setEnvironmentData(workerKey, workerText(file, options));
      try {
        return Reflect.construct(target, [file, traced(options), ...rest], newTarget);
      } finally {
        workers.setEnvironmentData(workerKey, undefined);
      }
    },
  });
  (require('node:module') as typeof import('node:module')).syncBuiltinESMExports();
}

/** What reports call a worker: `name: file.js`, or either. */
function workerText(file: unknown, options: unknown): string {
  const given = (options ?? {}) as { name?: unknown; eval?: unknown };
  const path = given.eval ? '[worker eval]' : String(file).replace(/^data:.*/s, 'data:');
  const base = path.slice(path.lastIndexOf('/') + 1);
  return typeof given.name === 'string' && given.name !== '' ? `${given.name}: ${base}` : base;
}

function traced(options: unknown): unknown {
  if (typeof options !== 'object' || options === null) return options;
  const { env, execArgv } = options as { env?: unknown; execArgv?: unknown };
  if (Array.isArray(execArgv)) return { ...options, execArgv: [...execArgv, flag, __filename] };
  if (typeof env !== 'object' || env === null) return options;
  const given = (env as NodeJS.ProcessEnv)['NODE_OPTIONS'] ?? '';
  const quoted = `"${__filename.replace(/["\\]/g, '\\$&')}"`;
  return { ...options, env: { ...env, NODE_OPTIONS: `${given} ${flag} ${quoted}`.trim() } };
}

const loaded = loadAddon();
hideTraces();
if (loaded) followWorkers();
