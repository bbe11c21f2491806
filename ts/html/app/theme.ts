// SPDX-License-Identifier: MIT
// Light or dark: the system's choice until the reader makes one.

import type { Theme } from './palette.js';
import { applyTheme, chooseTheme, chosenTheme, systemTheme } from './theme-choice.js';

export class ThemeSwitch {
  readonly #button: HTMLButtonElement;
  readonly #onChange: () => void;

  constructor(button: HTMLButtonElement, onChange: () => void) {
    this.#button = button;
    this.#onChange = onChange;
    button.addEventListener('click', () => this.toggle());
    const system = window.matchMedia('(prefers-color-scheme: dark)');
    system.addEventListener('change', () => {
      if (chosenTheme() !== undefined) return;
      applyTheme(systemTheme());
      this.#announce();
    });
    window.addEventListener('beforeprint', () => this.#show('light'));
    window.addEventListener('afterprint', () => this.#show(chosenTheme() ?? systemTheme()));
    this.#label();
  }

  get theme(): Theme {
    return document.documentElement.dataset['theme'] === 'dark' ? 'dark' : 'light';
  }

  toggle(): void {
    chooseTheme(this.#other);
    this.#announce();
  }

  /** Without remembering it: paper is light. */
  #show(theme: Theme): void {
    if (theme === this.theme) return;
    applyTheme(theme);
    this.#announce();
  }

  get #other(): Theme {
    return this.theme === 'dark' ? 'light' : 'dark';
  }

  #announce(): void {
    this.#label();
    this.#onChange();
  }

  #label(): void {
    this.#button.setAttribute('aria-label', `Switch to the ${this.#other} theme`);
    this.#button.title = `Switch to the ${this.#other} theme (t)`;
  }
}
