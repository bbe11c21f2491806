// SPDX-License-Identifier: MIT
// Runs a program as if it had been started without us: same standard streams, signals, exit code.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { NativeError } from '../native/native-error.js';
import { oomKills } from './oom-kills.js';

export interface Launched {
  readonly pid: number;
  /** The exit code, or null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly durationMs: number;
  /** The kernel's out-of-memory killer ended some process here in the meantime. */
  readonly oomKilled: boolean;
}

/** What the launcher passes on; a terminal sends the first two to the program itself. */
const FROM_TERMINAL = ['SIGINT', 'SIGQUIT'] as const;
const FORWARDED = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const;

function forwardSignals(kill: (signal: NodeJS.Signals) => void): () => void {
  const { stdin, stdout, stderr } = process;
  const terminal = stdin.isTTY || stdout.isTTY || stderr.isTTY;
  const handlers: [NodeJS.Signals, () => void][] = [
    ...FROM_TERMINAL.map((name): [NodeJS.Signals, () => void] => [
      name,
      terminal ? () => {} : () => kill(name),
    ]),
    ...FORWARDED.map((name): [NodeJS.Signals, () => void] => [name, () => kill(name)]),
  ];
  for (const [name, handler] of handlers) process.on(name, handler);
  return () => {
    for (const [name, handler] of handlers) process.off(name, handler);
  };
}

function startError(command: string, error: NodeJS.ErrnoException): NativeError {
  const { code = 'ERR_MEMTAPE_SPAWN', errno } = error;
  const reasons: Record<string, string> = {
    ENOENT: `no such command: ${command}`,
    EACCES: `not executable: ${command}`,
    E2BIG: 'the command line is too long',
  };
  return new NativeError(reasons[code] ?? `cannot start ${command}: ${error.message}`, {
    code,
    errno,
    cause: error,
  });
}

/**
 * Runs a command to its end.
 * @throws NativeError it could not be started
 */
export function launch(
  command: string,
  args: readonly string[],
  environment: Record<string, string>,
): Promise<Launched> {
  const oomKillsBefore = oomKills();
  const startedMs = performance.now();
  const env = { ...process.env, ...environment };
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit', env });
    const restore = forwardSignals((signal) => child.kill(signal));
    child.once('error', (error) => {
      restore();
      if (child.pid === undefined) reject(startError(command, error));
    });
    child.once('exit', (code, signal) => {
      restore();
      const durationMs = performance.now() - startedMs;
      const oomKilled = signal === 'SIGKILL' && oomKills() > oomKillsBefore;
      resolve({ pid: child.pid ?? 0, code, signal, durationMs, oomKilled });
    });
  });
}

/** Ends this process the way the launched one ended. */
export function endLike({ code, signal }: Pick<Launched, 'code' | 'signal'>): void {
  if (signal === null) {
    process.exitCode = code ?? 1;
    return;
  }
  // What a shell reports for the signal, in case it does not end us (blocked, or ignored by a parent).
  process.exitCode = 128 + (constants.signals[signal] ?? 0);
  process.kill(process.pid, signal);
}
