// SPDX-License-Identifier: MIT
// What the address bar remembers, so that a link shows what its sender saw and "back" undoes a zoom.

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

export function stateFromHash(hash: string): State {
  const fields = new URLSearchParams(hash.replace(/^#/, ''));
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
  return fields.toString().replace(/=(?=&|$)/g, '');
}

/** Fragments, not history.pushState: that one is refused for files opened from disk in some browsers. */
export class AddressBar {
  /** The browser's history as far as this page made it; browsers do not tell where in it one is. */
  #steps: string[] = [currentHash()];
  #at = 0;

  constructor(onChange: (state: State) => void) {
    window.addEventListener('hashchange', () => {
      const hash = currentHash();
      if (hash === this.#steps[this.#at]) return;
      if (hash === this.#steps[this.#at - 1]) this.#at--;
      else if (hash === this.#steps[this.#at + 1]) this.#at++;
      else this.#push(hash);
      onChange(stateFromHash(hash));
    });
  }

  get canGoBack(): boolean {
    return this.#at > 0;
  }

  get canGoForward(): boolean {
    return this.#at + 1 < this.#steps.length;
  }

  back(): void {
    if (this.canGoBack) history.back();
  }

  forward(): void {
    if (this.canGoForward) history.forward();
  }

  /** `asStep`: worth a step of the back button. */
  write(state: State, asStep: boolean): void {
    const hash = hashFromState(state);
    if (hash === this.#steps[this.#at]) return;
    if (asStep) this.#push(hash);
    else this.#steps[this.#at] = hash;
    try {
      if (asStep) location.hash = hash;
      else location.replace(`#${hash}`);
    } catch {
      // A sandboxed frame may refuse; then there are no links, and nothing else is lost.
    }
  }

  #push(hash: string): void {
    this.#steps = [...this.#steps.slice(0, this.#at + 1), hash];
    this.#at++;
  }
}

function currentHash(): string {
  return location.hash.replace(/^#/, '');
}
