// SPDX-License-Identifier: MIT
// Runs the memtape command, as it is in dist/.
import { execFile, type SpawnSyncOptions, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** Why dist/ could not be made, or ''. */
    bundleError: string;
  }
}

export const top = fileURLToPath(new URL('../../', import.meta.url));
export const cli = `${top}dist/cli.js`;

export interface Finished {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

const TIMEOUT_MS = 60_000;

/** Runs a command to its end; its environment knows nothing of the tests'. */
export function finish(
  command: string,
  args: readonly string[],
  options: SpawnSyncOptions = {},
): Finished {
  const { env, ...rest } = options;
  const { status, signal, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
    maxBuffer: 1 << 28,
    ...rest,
    env: { ...plainEnvironment(), ...env },
  });
  if (error) throw error;
  return { status, signal, stdout: String(stdout), stderr: String(stderr) };
}

/** The same while other things go on. */
export function finishing(command: string, args: readonly string[]): Promise<Finished> {
  const options = { maxBuffer: 1 << 28, env: plainEnvironment(), cwd: '/' };
  return new Promise((resolve) => {
    const child = execFile(command, args, options, (_error, stdout, stderr) => {
      resolve({ status: child.exitCode, signal: child.signalCode, stdout, stderr });
    });
  });
}

export function memtape(args: readonly string[], options: SpawnSyncOptions = {}): Finished {
  checkBundle();
  return finish(process.execPath, [cli, ...args], options);
}

export function checkBundle(): void {
  const why = inject('bundleError');
  if (why !== '') throw new Error(`dist/ was not built: ${why}`);
}

/** Without what the test runner, a shell or another profiler left in it. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  const names = /^(MEMTAPE_|VITEST|NODE_|LD_PRELOAD$|FORCE_COLOR$|NO_COLOR$|npm_)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !names.test(name)));
}
