// SPDX-License-Identifier: MIT
// Settings that the user keeps in the environment: defaults for `memtape run`, below its own options.
import * as z from 'zod/mini';
import { show } from './destination.js';
import { type TraceSettings, variables } from './environment.js';
import { intervalSchema, jsHeapIntervalSchema } from './options.js';
import { UsageError } from './usage-error.js';

const flag = z.pipe(
  z.enum(['0', '1']),
  z.transform((text) => text === '1'),
);
/** Below a recorded process there is behind it where that one comes from. */
const follow = z.pipe(
  z.string().check(z.regex(/^[01](?:,\d+,\d+)?$/)),
  z.transform((text) => text.startsWith('1')),
);
const digits = z.string().check(z.regex(/^\d+$/));
const interval = z.pipe(digits, z.pipe(z.transform(Number), intervalSchema));
const jsHeap = z.pipe(
  digits,
  z.pipe(z.transform(Number), z.union([z.literal(0), jsHeapIntervalSchema])),
);

const schema = z.object({
  MEMTAPE_INTERVAL: z.optional(interval),
  MEMTAPE_NATIVE: z.optional(flag),
  MEMTAPE_FOLLOW: z.optional(follow),
  MEMTAPE_JS_HEAP: z.optional(jsHeap),
});

/**
 * Neither the output nor force: under a recorded process they are that process's own.
 * @throws UsageError a variable has a wrong value
 */
export function environmentDefaults(
  environment: NodeJS.ProcessEnv,
): Partial<Pick<TraceSettings, 'intervalMs' | 'native' | 'follow' | 'jsHeapInterval'>> {
  const result = schema.safeParse(environment);
  if (!result.success) {
    const name = String(result.error.issues[0]?.path[0]);
    const expected = variables.find((variable) => variable.name === name)?.expected;
    throw new UsageError(`${name} must be ${expected}, got ${show(environment[name])}`);
  }
  const { MEMTAPE_INTERVAL, MEMTAPE_NATIVE, MEMTAPE_FOLLOW, MEMTAPE_JS_HEAP } = result.data;
  return {
    ...(MEMTAPE_INTERVAL !== undefined && { intervalMs: MEMTAPE_INTERVAL }),
    ...(MEMTAPE_NATIVE !== undefined && { native: MEMTAPE_NATIVE }),
    ...(MEMTAPE_FOLLOW !== undefined && { follow: MEMTAPE_FOLLOW }),
    ...(MEMTAPE_JS_HEAP !== undefined && { jsHeapInterval: MEMTAPE_JS_HEAP }),
  };
}
