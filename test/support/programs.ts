// SPDX-License-Identifier: MIT
// Builds and runs the programs of test/programs.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { headersOf, nodes } from './nodes.js';

const folder = fileURLToPath(new URL('../programs/', import.meta.url));
const out = join(folder, 'out');

export const programs = {
  truth: join(out, 'truth'),
  plugin: join(out, 'libtruth_plugin.so'),
  counter: join(out, 'libcounter.so'),
  rss: join(out, 'rss'),
  addon: join(out, 'truth_addon.node'),
};

/** Whether a native frame is the program's own: with debug information its file is a source. */
export const isOfTruth = (file: string): boolean =>
  file === programs.truth || dirname(file) === join(folder, 'truth');

export interface Finished {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly pid: number;
}

function newest(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return Number.POSITIVE_INFINITY;
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(...readdirSync(path).map((name) => newest(join(path, name))));
}

function upToDate(): boolean {
  const sources = Math.max(
    ...['build.sh', 'counter.c', 'rss.c', 'truth', 'addon'].map((name) =>
      newest(join(folder, name)),
    ),
  );
  return Object.values(programs).every((path) => {
    const built = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    return built > sources;
  });
}

function wait(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** Builds what is missing or old. Test files run at the same time: a folder is the lock between them. */
export function buildPrograms(): void {
  const lock = join(folder, 'out.lock');
  const deadline = Date.now() + 60_000;
  while (!upToDate()) {
    try {
      mkdirSync(lock);
    } catch {
      if (Date.now() > deadline) throw new Error(`${lock} stays: remove it if no build is running`);
      wait(100);
      continue;
    }
    try {
      const include = nodes()
        .map(headersOf)
        .find((path) => path !== undefined);
      const result = spawnSync('sh', [join(folder, 'build.sh'), out], {
        encoding: 'utf8',
        env: include ? { ...process.env, NODE_INCLUDE: include } : process.env,
      });
      if (result.status !== 0) throw new Error(`test/programs does not build:\n${result.stderr}`);
    } finally {
      rmSync(lock, { recursive: true });
    }
  }
}

/** Runs a command to its end. `env` adds to the environment of the tests, without their Node.js options. */
export function run(
  command: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string } = {},
): Finished {
  const { NODE_OPTIONS: _dropped, ...environment } = process.env;
  const result = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    cwd: options.cwd,
    env: { ...environment, ...options.env },
  });
  if (result.error) throw result.error;
  const { stdout, stderr, status, signal, pid } = result;
  return { stdout, stderr, status, signal, pid };
}
