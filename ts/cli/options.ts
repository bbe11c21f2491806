// SPDX-License-Identifier: MIT
// Every option of every command, once. A command names the ones it takes.
import { InvalidArgumentError, Option } from 'commander';

export interface Options {
  output?: string;
  force?: boolean;
  quiet?: boolean;
  interval?: number;
  native?: boolean;
  follow?: boolean;
  compress: boolean;
  eval?: string;
  json?: boolean;
  leaks?: boolean;
  temporary?: boolean;
  temporaryThreshold?: number;
  maxRows?: number;
  sort?: string;
  numLargest?: number;
}

/** A whole number from `least` to `most`, or commander's one-line error. */
const whole =
  (least: number, most = Number.MAX_SAFE_INTEGER) =>
  (text: string): number => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    const range = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `${least} to ${most}`;
    throw new InvalidArgumentError(`It must be a whole number, ${range}.`);
  };

const path = (text: string): string => {
  if (text !== '') return text;
  throw new InvalidArgumentError('It must not be empty.');
};

const table = {
  output: () => new Option('-o, --output <file>', 'where to write').argParser(path),
  outputCapture: () =>
    new Option(
      '-o, --output <file>',
      'the capture; %p: process id, %t: Unix time (default: memtape-<name>.<pid>.bin)',
    ).argParser(path),
  force: () => new Option('-f, --force', 'overwrite an existing file'),
  quiet: () => new Option('-q, --quiet', 'print nothing of our own, errors excepted'),
  interval: () =>
    new Option('--interval <ms>', 'time between memory samples (default: 10)').argParser(
      whole(1, 60_000),
    ),
  native: () => new Option('--native', 'record full native stacks'),
  follow: () => new Option('--follow', 'record the processes that the program starts, too'),
  noCompress: () => new Option('--no-compress', 'leave the capture uncompressed'),
  eval: () => new Option('-e, --eval <code>', 'run code in place of a script'),
  json: () => new Option('--json', 'print JSON'),
  leaks: () =>
    new Option('--leaks', 'what was live at the end, in place of the peak').conflicts([
      'temporary',
      'temporaryThreshold',
    ]),
  temporary: () => new Option('--temporary', 'what was freed soon, in place of the peak'),
  temporaryThreshold: () =>
    new Option(
      '--temporary-threshold <n>',
      'soon: within n further allocations of its thread (default: 1)',
    ).argParser(whole(0)),
  maxRows: () => new Option('-r, --max-rows <n>', 'at most n rows').argParser(whole(1)),
  sort: () =>
    new Option('-s, --sort <column>', 'column to sort by').choices([
      'total',
      'own',
      'allocations',
      'function',
    ]),
  numLargest: () =>
    new Option(
      '-n, --num-largest <n>',
      'length of the lists of largest places (default: 5)',
    ).argParser(whole(1)),
} satisfies Record<string, () => Option>;

export type OptionName = keyof typeof table;

export const option = (name: OptionName): Option => table[name]();
