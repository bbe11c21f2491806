// SPDX-License-Identifier: MIT
// Which places a reader asks for: by process, by thread, by allocator, and by the package that answers for the memory.

import type { PageData } from '../page-data.js';
import type { AppFrame } from './app-frame.js';
import { CATEGORY_LABELS } from './palette.js';

/** Empty: all of them. */
export interface Filter {
  readonly process: string;
  readonly thread: string;
  readonly allocator: string;
  readonly package: string;
}

export const NO_FILTER: Filter = { process: '', thread: '', allocator: '', package: '' };

export const isFiltering = (filter: Filter): boolean =>
  FILTER_KEYS.some((key) => filter[key] !== '');

export const FILTER_KEYS = ['process', 'thread', 'allocator', 'package'] as const;

type ThreadKind = PageData['threads'][number][1];

/** Kinds of which there may be several. */
const ALL_OF: Partial<Record<ThreadKind, string>> = {
  worker: 'all workers',
  libuv_pool: 'all of libuv’s pool',
  v8_platform: 'all of V8’s platform',
};

/** What can be chosen as a thread, and which threads that is. */
export function threadChoices(threads: PageData['threads']): Map<string, ReadonlySet<number>> {
  const choices = new Map<string, ReadonlySet<number>>();
  for (const [kind, name] of Object.entries(ALL_OF)) {
    const some = [...threads.keys()].filter((index) => threads[index]?.[1] === kind);
    if (some.length > 1) choices.set(name, new Set(some));
  }
  for (const [index, [name]] of threads.entries()) choices.set(name, new Set([index]));
  return choices;
}

/** The package, or whose code it is where it belongs to none. */
export function packageOf(frame: AppFrame): string {
  return frame.package === '' ? CATEGORY_LABELS[frame.category] : frame.package;
}

/** Of each node the package that answers for what it holds itself; Node.js and native code work for their callers. */
export function owningPackages(
  { parent, frame }: { readonly parent: Uint32Array; readonly frame: Uint32Array },
  frames: readonly AppFrame[],
): { readonly names: string[]; readonly owner: Uint16Array } {
  const names: string[] = [];
  const ids = new Map<string, number>();
  const ofFrame = frames.map((each) => {
    const name = packageOf(each);
    let id = ids.get(name);
    if (id === undefined) {
      id = names.push(name) - 1;
      ids.set(name, id);
    }
    return id;
  });
  const own = frames.map(({ kind, category }) => {
    if (kind === 'gc') return true;
    return (kind === 'js' || kind === 'wasm') && category !== 'node';
  });
  const isScript = frames.map(({ kind }) => kind === 'js' || kind === 'wasm' || kind === 'gc');
  const owner = new Uint16Array(parent.length);
  // Whether something above answers for whatever is below it.
  const answers = new Uint8Array(parent.length);
  for (let node = 1; node < parent.length; node++) {
    const above = parent[node] as number;
    const by = frame[node] as number;
    const isOwn = own[by] === true;
    const isAnswered = answers[above] === 1;
    owner[node] = isAnswered && !isOwn ? (owner[above] as number) : (ofFrame[by] as number);
    answers[node] = isAnswered || isOwn || isScript[by] === true ? 1 : 0;
  }
  return { names, owner };
}
