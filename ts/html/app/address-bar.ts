// SPDX-License-Identifier: MIT
// Keeps the state in the address, so that a link shows what its sender saw and "back" undoes a zoom.

import { hashFromState, type State, stateFromHash } from './state.js';

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
