// SPDX-License-Identifier: MIT
// Runs before the body is painted, so that no theme flashes: the reader's choice if there was one, else the system's.

import { applyTheme, chosenTheme, systemTheme } from './theme-choice.js';

applyTheme(chosenTheme() ?? systemTheme());
