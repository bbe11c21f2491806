// SPDX-License-Identifier: MIT
// The environment that makes the preload library record a process. docs/environment.md is this table.
import { delimiter } from 'node:path';
import type { SharedObjects } from '../native/locate.js';

export interface TraceSettings {
  /** Absolute path template; `%p` and `%t` are filled in by the recorded process. */
  readonly output: string;
  readonly intervalMs: number;
  readonly native: boolean;
  readonly follow: boolean;
  readonly force: boolean;
  /** Bytes between two samples of JavaScript heaps; 0: they are not sampled. */
  readonly jsHeapInterval: number;
}

interface Variable {
  readonly name: `MEMTAPE_${string}`;
  readonly meaning: string;
  readonly expected: string;
  /** What holds when it is not set. */
  readonly fallback: string;
  readonly value: (settings: TraceSettings, files: SharedObjects) => string;
}

const bit = (on: boolean) => (on ? '1' : '0');

export const variables: readonly Variable[] = [
  {
    name: 'MEMTAPE_OUTPUT',
    meaning:
      'The capture. `%p` is the process id, `%t` the Unix time in seconds, `%%` a `%`. ' +
      'Without it the preload library does nothing.',
    expected: 'a path',
    fallback: 'nothing is recorded',
    value: ({ output }) => output,
  },
  {
    name: 'MEMTAPE_INTERVAL',
    meaning: 'Time between memory samples, in milliseconds.',
    expected: 'a whole number from 1 to 60000',
    fallback: '10',
    value: ({ intervalMs }) => String(intervalMs),
  },
  {
    name: 'MEMTAPE_NATIVE',
    meaning: 'Full native stacks, not only the innermost native caller.',
    expected: '0 or 1',
    fallback: '0',
    value: ({ native }) => bit(native),
  },
  {
    name: 'MEMTAPE_FOLLOW',
    meaning: 'Also record the processes that the recorded one starts, each into its own capture.',
    expected: '0 or 1',
    fallback: '0',
    value: ({ follow }) => bit(follow),
  },
  {
    name: 'MEMTAPE_FORCE',
    meaning: 'Overwrite an existing capture.',
    expected: '0 or 1',
    fallback: '0',
    value: ({ force }) => bit(force),
  },
  {
    name: 'MEMTAPE_JS_HEAP',
    meaning: 'Sample JavaScript heaps: bytes between two samples, on average.',
    expected: '0 or a whole number from 1024 to 1073741824',
    fallback: '0',
    value: ({ jsHeapInterval }) => String(jsHeapInterval),
  },
  {
    name: 'MEMTAPE_ADDON',
    meaning: 'The addon that reads JavaScript stacks.',
    expected: 'a path',
    fallback: 'the one beside the preload library',
    value: (_, { addon }) => addon,
  },
];

/** The variable through which the dynamic linker loads the preload library. */
export const preloadVariable =
  process.platform === 'darwin' ? 'DYLD_INSERT_LIBRARIES' : 'LD_PRELOAD';

/** What to set so that a process records itself; what `inherited` preloads already stays preloaded. */
export function traceEnvironment(
  settings: TraceSettings,
  files: SharedObjects,
  inherited: NodeJS.ProcessEnv = process.env,
): Record<string, string> {
  const others = (inherited[preloadVariable] ?? '')
    .split(delimiter)
    .filter((path) => path !== '' && path !== files.preload);
  const environment = { [preloadVariable]: [files.preload, ...others].join(delimiter) };
  for (const { name, value } of variables) environment[name] = value(settings, files);
  return environment;
}
