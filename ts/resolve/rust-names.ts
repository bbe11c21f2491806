// SPDX-License-Identifier: MIT
// Names of Rust functions, of both manglings, as Rust's own tools show them without the crates' hashes.
import { compilerSuffix, demangleV0 } from './rust-v0.js';

// `_ZN`, lengths and names, the last of which is a hash: an Itanium name, but for what the names stand for.
const LEGACY = /^_{1,3}ZN((?:\d+[^\d].*)?)17h([0-9a-f]{16})E(\..*)?$/;
const ESCAPES: Readonly<Record<string, string>> = {
  SP: '@',
  BP: '*',
  RF: '&',
  LT: '<',
  GT: '>',
  LP: '(',
  RP: ')',
  C: ',',
};
/** A hash is not made of few digits; C++ functions may well be called `h` and sixteen of the same. */
const MIN_DIGITS = 5;

/** null when it is none of Rust's. */
export function demangleRust(name: string): string | null {
  if (/^_{0,2}R[A-Z]/.test(name)) return demangleV0(name);
  const [, path = '', hash = '', suffix = ''] = LEGACY.exec(name) ?? [];
  if (path === '' || new Set(hash).size < MIN_DIGITS) return null;
  const parts: string[] = [];
  for (let rest = path; rest !== ''; ) {
    const digits = /^\d+/.exec(rest)?.[0] ?? '';
    const length = Number(digits);
    if (digits === '' || length === 0 || digits.length + length > rest.length) return null;
    const part = unescaped(rest.slice(digits.length, digits.length + length));
    if (part === null) return null;
    parts.push(part);
    rest = rest.slice(digits.length + length);
  }
  return `${parts.join('::')}${compilerSuffix(suffix)}`;
}

function unescaped(part: string): string | null {
  let text = part.startsWith('_$') ? part.slice(1) : part;
  let result = '';
  while (text !== '') {
    if (text.startsWith('..')) {
      result += '::';
      text = text.slice(2);
    } else if (text.startsWith('$')) {
      const end = text.indexOf('$', 1);
      const character = end < 0 ? null : escapedCharacter(text.slice(1, end));
      if (character === null) return null;
      result += character;
      text = text.slice(end + 1);
    } else {
      result += text[0];
      text = text.slice(1);
    }
  }
  return result;
}

function escapedCharacter(code: string): string | null {
  const known = ESCAPES[code];
  if (known !== undefined) return known;
  const hex = /^u([0-9a-f]{1,6})$/.exec(code)?.[1];
  const point = Number.parseInt(hex ?? '', 16);
  if (!(point <= 0x10ffff) || point < 0x20 || (point >= 0x7f && point < 0xa0)) return null;
  return String.fromCodePoint(point);
}
