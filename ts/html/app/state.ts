// SPDX-License-Identifier: MIT
// What the page shows, and how a link says it.

export interface State {
  readonly view: 'graph' | 'table';
  /** Path id of the zoomed frame; empty for the root. */
  readonly zoom: string;
  readonly inverted: boolean;
  readonly showNode: boolean;
  readonly query: string;
  readonly regex: boolean;
}

export const INITIAL_STATE: State = {
  view: 'graph',
  zoom: '',
  inverted: false,
  showNode: false,
  query: '',
  regex: false,
};

/** Told apart from an element's id, to which browsers would scroll. */
const PREFIX = '/';

export function stateFromHash(hash: string): State {
  const fields = new URLSearchParams(hash.replace(/^#?\/?/, ''));
  return {
    view: fields.get('view') === 'table' ? 'table' : 'graph',
    zoom: fields.get('zoom') ?? '',
    inverted: fields.has('inverted'),
    showNode: fields.has('node'),
    query: fields.get('search') ?? '',
    regex: fields.has('regex'),
  };
}

export function hashFromState(state: State): string {
  const fields = new URLSearchParams();
  if (state.view === 'table') fields.set('view', 'table');
  if (state.zoom !== '') fields.set('zoom', state.zoom);
  if (state.inverted) fields.set('inverted', '');
  if (state.showNode) fields.set('node', '');
  if (state.query !== '') fields.set('search', state.query);
  if (state.regex) fields.set('regex', '');
  const text = fields.toString().replace(/=(?=&|$)/g, '');
  return text === '' ? '' : PREFIX + text;
}
