// SPDX-License-Identifier: MIT
// Sizes as text reports print them: SI units, three decimals (73.514MB).

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'];

export function sizeText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // Rounding must not produce 1000.000kB.
  while (Math.abs(value) >= 999.9995 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return unit === 0 ? `${value}B` : `${value.toFixed(3)}${UNITS[unit]}`;
}
