// SPDX-License-Identifier: MIT
// Every option of every command, once. A command names the ones it takes.
import { InvalidArgumentError, Option } from 'commander';
import { CONFIDENTIAL, type Confidential } from '../model/confidential.js';
import {
  DEFAULT_JS_HEAP_INTERVAL,
  MAX_JS_HEAP_INTERVAL,
  MIN_JS_HEAP_INTERVAL,
} from '../tracker/js-heap-interval.js';

export interface Options {
  output?: string;
  force?: boolean;
  quiet?: boolean;
  interval?: number;
  native?: boolean;
  follow?: boolean;
  compress: boolean;
  fold: boolean;
  eval?: string;
  json?: boolean;
  leaks?: boolean;
  splitThreads?: boolean;
  temporal?: boolean;
  inverted?: boolean;
  maxMemoryRecords?: number;
  confidentialFiles?: Confidential;
  temporaryAllocations?: boolean;
  temporaryAllocationThreshold?: number;
  maxRows?: number;
  sort?: string;
  numLargest?: number;
  csv?: boolean;
  html?: string;
  failOnIncrease?: Limit;
  biggestAllocs?: number;
  /** Bytes between two samples when something is recorded, true for reports. */
  jsHeap?: number | true;
  from?: Moment;
  to?: Moment;
}

/** A mark by name, or nanoseconds since the start. */
export type Moment = { readonly mark: string } | { readonly timeNs: number };

/** Of what there was before, as a share, or in bytes. */
export type Limit = { readonly share: number } | { readonly bytes: number };

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

const UNITS: Record<string, number> = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9 };

/** `5%` or `10MB`. */
const limit = (text: string): Limit => {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?) ?(%|B|kB|MB|GB)$/.exec(text) ?? [];
  if (digits !== undefined) {
    const number = Number(digits);
    return unit === '%' ? { share: number / 100 } : { bytes: number * (UNITS[unit] as number) };
  }
  throw new InvalidArgumentError('It must be a share or a size, such as 5% or 10MB.');
};

const SECONDS: Record<string, number> = { ms: 1e-3, s: 1, m: 60, h: 3600 };

/** `30s`, `1.5m`, seconds without a unit; anything else is a mark's name. */
const moment = (text: string): Moment => {
  const [, digits, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? [];
  if (digits === undefined) return { mark: path(text) };
  return { timeNs: Math.round(Number(digits) * (SECONDS[unit] as number) * 1e9) };
};

const table = {
  output: () =>
    new Option('-o, --output <file>', 'where to write; - is standard output').argParser(path),
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
  follow: () =>
    new Option(
      '--follow',
      'record the processes that the program starts, too (default for npm, npx, sh and their like)',
    ),
  jsHeapInterval: () =>
    new Option(
      '--js-heap [bytes]',
      `sample the JavaScript heap, too, about every so many bytes (default: ${DEFAULT_JS_HEAP_INTERVAL})`,
    )
      .preset(`${DEFAULT_JS_HEAP_INTERVAL}`)
      .argParser(whole(MIN_JS_HEAP_INTERVAL, MAX_JS_HEAP_INTERVAL)),
  jsHeap: () =>
    new Option(
      '--js-heap',
      'the JavaScript heap, as sampled by run --js-heap, in place of all memory',
    ).conflicts(['temporaryAllocations', 'temporaryAllocationThreshold', 'temporal']),
  noFollow: () => new Option('--no-follow', 'do not'),
  noCompress: () => new Option('--no-compress', 'leave the capture uncompressed'),
  noFold: () => new Option('--no-fold', 'keep the smallest parts, however large the page gets'),
  eval: () => new Option('-e, --eval <code>', 'run code in place of a script'),
  json: () => new Option('--json', 'print JSON'),
  csv: () => new Option('--csv', 'print CSV').conflicts('json'),
  html: () =>
    new Option('--html <file>', 'also write a flame graph: grown red, shrunken blue').argParser(
      path,
    ),
  failOnIncrease: () =>
    new Option(
      '--fail-on-increase <limit>',
      'exit with code 1 when it grew by more than this share or size, such as 5% or 10MB',
    ).argParser(limit),
  biggestAllocs: () =>
    new Option(
      '-b, --biggest-allocs <n>',
      'show the n stacks that hold most (default: 200)',
    ).argParser(whole(1)),
  from: () =>
    new Option(
      '--from <moment>',
      'start at a mark or after a time, such as 30s or 5m (default: the start)',
    ).argParser(moment),
  to: () =>
    new Option(
      '--to <moment>',
      'end at a mark or a time (default: before the program ends)',
    ).argParser(moment),
  leaks: () =>
    new Option('--leaks', 'what was live at exit, in place of the peak').conflicts([
      'temporaryAllocations',
      'temporaryAllocationThreshold',
    ]),
  temporaryAllocations: () =>
    new Option('--temporary-allocations', 'what was freed soon, in place of the peak'),
  temporaryAllocationThreshold: () =>
    new Option(
      '--temporary-allocation-threshold <n>',
      'soon: within n further allocations of its thread (default: 1)',
    ).argParser(whole(0)),
  temporal: () =>
    new Option(
      '--temporal',
      'choose a range of time in the page: its peak, or its leaks',
    ).conflicts(['temporaryAllocations', 'temporaryAllocationThreshold', 'csv']),
  splitThreads: () => new Option('--split-threads', 'tell threads apart'),
  inverted: () => new Option('--inverted', 'show allocating frames first, callers below them'),
  maxMemoryRecords: () =>
    new Option(
      '--max-memory-records <n>',
      'points of each line of memory over time (default: 4000)',
    ).argParser(whole(8, 1_000_000)),
  confidentialFiles: () =>
    new Option(
      '--confidential-files <which>',
      'whose source lines stay out: all, none, or by default those that are\nneither scripts nor readable by everybody',
    ).choices(CONFIDENTIAL),
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

/** As they are typed: a value that may be left out stands behind `=`. */
export const flagsOf = ({ flags }: Option): string => flags.replace(' [', '[=');

export const option = (name: OptionName): Option => table[name]();
