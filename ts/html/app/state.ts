// SPDX-License-Identifier: MIT
// What the page shows, and how a link says it.

import { type Filter, NO_FILTER } from './filters.js';

export interface State extends Filter {
  readonly view: 'graph' | 'table';
  /** Path id of the zoomed frame; empty for the root. */
  readonly zoom: string;
  readonly inverted: boolean;
  readonly showNode: boolean;
  readonly hideLoading: boolean;
  readonly hideModules: boolean;
  /** `from-to` in milliseconds; empty for the whole. */
  readonly range: string;
  readonly query: string;
  readonly regex: boolean;
}

export const INITIAL_STATE: State = {
  ...NO_FILTER,
  view: 'graph',
  zoom: '',
  inverted: false,
  showNode: false,
  hideLoading: false,
  hideModules: false,
  range: '',
  query: '',
  regex: false,
};

/** Told apart from an element's id, to which browsers would scroll. */
const PREFIX = '/';

type Names<Value> = { [Key in keyof State]: State[Key] extends Value ? Key : never }[keyof State];

/** What fields are called in a link. */
const TEXTS: Partial<Record<Names<string>, string>> = {
  zoom: 'zoom',
  process: 'process',
  thread: 'thread',
  allocator: 'allocator',
  package: 'package',
  range: 'range',
  query: 'search',
};
const FLAGS: Partial<Record<Names<boolean>, string>> = {
  inverted: 'inverted',
  showNode: 'node',
  hideLoading: 'no-loading',
  hideModules: 'no-modules',
  regex: 'regex',
};

export function stateFromHash(hash: string): State {
  const fields = new URLSearchParams(hash.replace(/^#?\/?/, ''));
  const texts = Object.entries(TEXTS).map(([key, name]) => [key, fields.get(name) ?? '']);
  const flags = Object.entries(FLAGS).map(([key, name]) => [key, fields.has(name)]);
  const view = fields.get('view') === 'table' ? 'table' : 'graph';
  return { ...INITIAL_STATE, ...Object.fromEntries([...texts, ...flags]), view };
}

export function hashFromState(state: State): string {
  const fields = new URLSearchParams();
  if (state.view === 'table') fields.set('view', 'table');
  for (const [key, name] of Object.entries(TEXTS)) {
    const text = state[key as Names<string>];
    if (text !== '') fields.set(name, text);
  }
  for (const [key, name] of Object.entries(FLAGS)) {
    if (state[key as Names<boolean>]) fields.set(name, '');
  }
  const text = fields.toString().replace(/=(?=&|$)/g, '');
  return text === '' ? '' : PREFIX + text;
}
