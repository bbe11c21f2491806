// SPDX-License-Identifier: MIT
// Numbers for people, three significant digits.

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

export function bytesText(bytes: number): string {
  let value = Math.abs(bytes);
  let unit = 0;
  // 999.5 would print as 1000.
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const sign = bytes < 0 ? '−' : '';
  return `${sign}${unit === 0 ? value : significant(value)} ${UNITS[unit]}`;
}

export const exactBytes = (bytes: number): string => `${bytes.toLocaleString('en-US')} bytes`;

export const countText = (count: number): string => count.toLocaleString('en-US');

export function percentText(part: number, whole: number): string {
  if (whole === 0) return '0 %';
  const percent = (part / whole) * 100;
  if (percent > 0 && percent < 0.01) return '< 0.01 %';
  return `${percent >= 99.95 ? percent.toFixed(0) : percent >= 10 ? percent.toFixed(1) : percent.toFixed(2)} %`;
}

export function durationText(ms: number): string {
  if (ms < 1) return `${significant(ms)} ms`;
  if (ms < 999.5) return `${significant(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 120) return `${significant(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${minutes} min ${Math.round(seconds - minutes * 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function significant(value: number): string {
  if (value >= 99.95) return value.toFixed(0);
  return value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}
