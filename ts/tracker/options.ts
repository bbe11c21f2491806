// SPDX-License-Identifier: MIT
// What a Tracker can be told, and the one place that says what is valid.
import * as z from 'zod/mini';
import {
  absoluteTemplate,
  checkOutput,
  defaultTemplate,
  expandTemplate,
  FileDestination,
  show,
} from './destination.js';
import { didYouMean } from './did-you-mean.js';
import {
  DEFAULT_JS_HEAP_INTERVAL,
  MAX_JS_HEAP_INTERVAL,
  MIN_JS_HEAP_INTERVAL,
} from './js-heap-interval.js';
import { UsageError } from './usage-error.js';

export interface TrackerOptions {
  /**
   * Where the capture goes: a path, in which `%p` is the process id and `%t` the Unix time in
   * seconds. Default: `memtape-<script>.<pid>.bin` in the working directory.
   */
  readonly destination?: string | FileDestination;
  /** Record full native stacks, not only the innermost native caller. Default: false. */
  readonly native?: boolean;
  /** Time between memory samples, in milliseconds, 1 to 60000. Default: 10. */
  readonly interval?: number;
  /** Also record the processes that this one starts, each into its own capture. Default: false. */
  readonly follow?: boolean;
  /**
   * Sample the JavaScript heap, too: `true`, or how many bytes are between two samples on average,
   * 1024 to 1073741824. Default: false.
   */
  readonly jsHeap?: boolean | number;
}

export const DEFAULT_INTERVAL_MS = 10;
export const MAX_INTERVAL_MS = 60_000;

/** @internal */
export const intervalSchema = z.int().check(z.gte(1), z.lte(MAX_INTERVAL_MS));
/** @internal */
export const jsHeapIntervalSchema = z
  .int()
  .check(z.gte(MIN_JS_HEAP_INTERVAL), z.lte(MAX_JS_HEAP_INTERVAL));

const schema = z.strictObject({
  destination: z.optional(
    z.union([z.string().check(z.minLength(1)), z.instanceof(FileDestination)]),
  ),
  native: z.optional(z.boolean()),
  interval: z.optional(intervalSchema),
  follow: z.optional(z.boolean()),
  jsHeap: z.optional(z.union([z.boolean(), jsHeapIntervalSchema])),
});

/** What each option must be, in the words of an error message. */
const expected: Record<keyof TrackerOptions, string> = {
  destination: 'a path or a FileDestination',
  native: 'true or false',
  interval: `a whole number of milliseconds from 1 to ${MAX_INTERVAL_MS}`,
  follow: 'true or false',
  jsHeap: `true, false or a whole number of bytes from ${MIN_JS_HEAP_INTERVAL} to ${MAX_JS_HEAP_INTERVAL}`,
};

export interface ResolvedOptions {
  readonly path: string;
  readonly overwrite: boolean;
  readonly native: boolean;
  readonly intervalMs: number;
  readonly follow: boolean;
  /** 0: not sampled. */
  readonly jsHeapInterval: number;
}

const jsHeapInterval = (jsHeap: boolean | number): number =>
  typeof jsHeap === 'number' ? jsHeap : jsHeap ? DEFAULT_JS_HEAP_INTERVAL : 0;

function validate(options: unknown): z.infer<typeof schema> {
  const result = schema.safeParse(options);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  if (issue?.code === 'unrecognized_keys') {
    const name = issue.keys[0] ?? '';
    const meant = didYouMean(name, Object.keys(expected));
    throw new UsageError(
      `unknown option "${name}"${meant === undefined ? '' : `; did you mean "${meant}"?`}`,
      `known: ${Object.keys(expected).join(', ')}`,
    );
  }
  const name = issue?.path[0];
  if (typeof name !== 'string' || !(name in expected)) {
    throw new UsageError(`options must be a path or an object, got ${show(options)}`);
  }
  const value = (options as Record<string, unknown>)[name];
  throw new UsageError(
    `option "${name}" must be ${expected[name as keyof TrackerOptions]}, got ${show(value)}`,
  );
}

/**
 * Validated options with defaults and an absolute path that can be written.
 * @throws UsageError a wrong option; NativeError a path that cannot be written
 */
export function resolveOptions(given: unknown): ResolvedOptions {
  const options = validate(typeof given === 'string' ? { destination: given } : (given ?? {}));
  const { destination = defaultTemplate(process.argv[1] ?? 'node') } = options;
  const file = typeof destination === 'string' ? new FileDestination(destination) : destination;
  const template = absoluteTemplate(file.path);
  const unixSeconds = Math.floor(Date.now() / 1000);
  const path = expandTemplate(template, { pid: process.pid, unixSeconds });
  checkOutput(path.replaceAll('%', '%%'), file.overwrite);
  return {
    path,
    overwrite: file.overwrite,
    native: options.native ?? false,
    intervalMs: options.interval ?? DEFAULT_INTERVAL_MS,
    follow: options.follow ?? false,
    jsHeapInterval: jsHeapInterval(options.jsHeap ?? false),
  };
}
