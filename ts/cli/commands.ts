// SPDX-License-Identifier: MIT
// The commands: what they are called, what they take, and where their code is, loaded when used.
import type { OptionName, Options } from './options.js';

/** Runs with the positional arguments; `dashes` tells whether `--` stood before them. */
export type Action = (args: string[], options: Options, dashes: boolean) => Promise<void>;

export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly usage: string;
  readonly options: readonly OptionName[];
  /** At most this many positional arguments; unlimited ones go to the program as they are. */
  readonly maxArgs: number;
  readonly load: () => Promise<{ readonly action: Action }>;
}

export const commands: readonly CommandEntry[] = [
  {
    name: 'run',
    summary: 'record a program',
    usage: '[options] <script.js> [args…]\n       memtape run [options] -- <command> [args…]',
    options: [
      'outputCapture',
      'force',
      'quiet',
      'eval',
      'interval',
      'native',
      'follow',
      'noCompress',
    ],
    maxArgs: Number.POSITIVE_INFINITY,
    load: () => import('./commands/run.js'),
  },
  {
    name: 'env',
    summary: 'print the environment that records any command',
    usage: '[options]',
    options: ['outputCapture', 'force', 'interval', 'native', 'follow', 'json'],
    maxArgs: 0,
    load: () => import('./commands/env.js'),
  },
  {
    name: 'flamegraph',
    summary: 'write an HTML page: which stacks held the memory at the peak',
    usage: '[options] <capture>',
    options: ['output', 'force', 'quiet', 'leaks', 'temporary', 'temporaryThreshold'],
    maxArgs: 1,
    load: () => import('./commands/flamegraph.js'),
  },
  {
    name: 'summary',
    summary: 'print a table: which functions held the memory at the peak',
    usage: '[options] <capture>',
    options: ['json', 'maxRows', 'sort', 'leaks', 'temporary', 'temporaryThreshold'],
    maxArgs: 1,
    load: () => import('./commands/summary.js'),
  },
  {
    name: 'stats',
    summary: 'print totals, sizes, allocators and the largest places',
    usage: '[options] <capture>',
    options: ['json', 'numLargest'],
    maxArgs: 1,
    load: () => import('./commands/stats.js'),
  },
  {
    name: 'parse',
    summary: 'print every record, one a line',
    usage: '[options] <capture>',
    options: ['json'],
    maxArgs: 1,
    load: () => import('./commands/parse.js'),
  },
  {
    name: 'finalize',
    summary: 'embed names in a capture and compress it, as run does at the end',
    usage: '[options] <capture>',
    options: ['quiet', 'noCompress'],
    maxArgs: 1,
    load: () => import('./commands/finalize.js'),
  },
];
