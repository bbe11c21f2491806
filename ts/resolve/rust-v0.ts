// SPDX-License-Identifier: MIT
// Rust's v0 mangling, by the grammar of RFC 2603 (rust-lang.github.io/rfcs/2603-rust-symbol-name-mangling-v0.html).

const BASIC_TYPES: Readonly<Record<string, string>> = {
  a: 'i8',
  b: 'bool',
  c: 'char',
  d: 'f64',
  e: 'str',
  f: 'f32',
  h: 'u8',
  i: 'isize',
  j: 'usize',
  l: 'i32',
  m: 'u32',
  n: 'i128',
  o: 'u128',
  p: '_',
  s: 'i16',
  t: 'u16',
  u: '()',
  v: '...',
  x: 'i64',
  y: 'u64',
  z: '!',
};
const SIGNED = 'asxlni';
const UNSIGNED = 'htmyoj';
/** Back references make a short name as long as they like. */
const MAX_TEXT = 1 << 16;
const MAX_DEPTH = 300;

class SyntaxProblem extends Error {}

/** null when it is not such a name. */
export function demangleV0(mangled: string): string | null {
  const [, name = '', suffix = ''] = /^_{0,2}R([A-Za-z0-9_]+)(\..*)?$/.exec(mangled) ?? [];
  if (!/^[A-Z]/.test(name)) return null;
  try {
    const parser = new Parser(name);
    const text = parser.path(true);
    parser.instantiatingCrate();
    return parser.atEnd ? `${text}${compilerSuffix(suffix)}` : null;
  } catch (error) {
    if (error instanceof SyntaxProblem) return null;
    throw error;
  }
}

/** What LLVM adds says nothing to a reader: `.llvm.123`. */
export function compilerSuffix(suffix: string): string {
  return /^\.llvm\.[0-9A-Fa-f@]+$/.test(suffix) ? '' : suffix;
}

class Parser {
  readonly #text: string;
  #at = 0;
  #depth = 0;
  /** How many lifetimes `for<…>` has bound around here. */
  #lifetimes = 0;
  #length = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get atEnd(): boolean {
    return this.#at === this.#text.length;
  }

  instantiatingCrate(): void {
    if (!this.atEnd) this.path(false);
  }

  /** In a value, generic arguments follow a `::`. */
  path(inValue: boolean): string {
    return this.#nested(() => {
      const tag = this.#next();
      switch (tag) {
        case 'C':
          this.#disambiguator();
          return this.#identifier();
        case 'N':
          return this.#namespaced(inValue);
        case 'M':
        case 'X':
        case 'Y':
          return this.#implementation(tag);
        case 'I': {
          const generic = this.path(inValue);
          const list = this.#list(() => this.#genericArgument());
          return `${generic}${inValue ? '::' : ''}<${list.join(', ')}>`;
        }
        case 'B':
          return this.#backReference(() => this.path(inValue));
        default:
          throw new SyntaxProblem();
      }
    });
  }

  #namespaced(inValue: boolean): string {
    const space = this.#next();
    if (!/[A-Za-z]/.test(space)) throw new SyntaxProblem();
    const parent = this.path(inValue);
    const number = this.#disambiguator();
    const name = this.#identifier();
    if (space >= 'a') return name === '' ? parent : `${parent}::${name}`;
    // Upper case: what has no name of its own.
    const kind = space === 'C' ? 'closure' : space === 'S' ? 'shim' : space;
    return `${parent}::{${kind}${name === '' ? '' : `:${name}`}#${number}}`;
  }

  #implementation(tag: 'M' | 'X' | 'Y'): string {
    if (tag !== 'Y') {
      this.#disambiguator();
      this.path(false);
    }
    const self = this.#type();
    return tag === 'M' ? `<${self}>` : `<${self} as ${this.path(false)}>`;
  }

  #genericArgument(): string {
    if (this.#skip('L')) return this.#lifetime(this.#base62());
    return this.#skip('K') ? this.#constant(false) : this.#type();
  }

  #type(): string {
    return this.#nested(() => {
      const tag = this.#next();
      const basic = BASIC_TYPES[tag];
      if (basic !== undefined) return basic;
      switch (tag) {
        case 'R':
        case 'Q':
          return `&${this.#referenceLifetime()}${tag === 'Q' ? 'mut ' : ''}${this.#type()}`;
        case 'P':
          return `*const ${this.#type()}`;
        case 'O':
          return `*mut ${this.#type()}`;
        case 'A':
          return `[${this.#type()}; ${this.#constant(true)}]`;
        case 'S':
          return `[${this.#type()}]`;
        case 'T': {
          const types = this.#list(() => this.#type());
          return `(${types.join(', ')}${types.length === 1 ? ',' : ''})`;
        }
        case 'F':
          return this.#bound(() => this.#function());
        case 'D':
          return this.#dynamic();
        case 'B':
          return this.#backReference(() => this.#type());
        default:
          this.#at--;
          return this.path(false);
      }
    });
  }

  #referenceLifetime(): string {
    if (!this.#skip('L')) return '';
    const index = this.#base62();
    return index === 0 ? '' : `${this.#lifetime(index)} `;
  }

  #function(): string {
    const unsafe = this.#skip('U') ? 'unsafe ' : '';
    let abi = '';
    if (this.#skip('K')) abi = this.#skip('C') ? 'C' : this.#identifier().replaceAll('_', '-');
    const parameters = this.#list(() => this.#type()).join(', ');
    const result = this.#skip('u') ? '' : ` -> ${this.#type()}`;
    return `${unsafe}${abi === '' ? '' : `extern "${abi}" `}fn(${parameters})${result}`;
  }

  #dynamic(): string {
    const traits = this.#bound(() => this.#list(() => this.#trait()).join(' + '));
    if (!this.#skip('L')) throw new SyntaxProblem();
    const index = this.#base62();
    return `dyn ${traits}${index === 0 ? '' : ` + ${this.#lifetime(index)}`}`;
  }

  /** Associated types stand among the generic arguments. */
  #trait(): string {
    let path = this.path(false);
    let isOpen = false;
    while (this.#skip('p')) {
      const before = isOpen ? ', ' : path.endsWith('>') ? ', ' : '<';
      if (!isOpen && path.endsWith('>')) path = path.slice(0, -1);
      const name = this.#identifier();
      path += `${before}${name} = ${this.#skip('K') ? this.#constant(false) : this.#type()}`;
      isOpen = true;
    }
    return isOpen ? `${path}>` : path;
  }

  #bound(read: () => string): string {
    const count = this.#skip('G') ? this.#base62() + 1 : 0;
    if (count > MAX_DEPTH) throw new SyntaxProblem();
    const names = Array.from({ length: count }, (_, i) => this.#lifetimeName(this.#lifetimes + i));
    this.#lifetimes += count;
    const text = read();
    this.#lifetimes -= count;
    return count === 0 ? text : `for<${names.join(', ')}> ${text}`;
  }

  #lifetime(index: number): string {
    if (index === 0) return "'_";
    const depth = this.#lifetimes - index;
    if (depth < 0) throw new SyntaxProblem();
    return this.#lifetimeName(depth);
  }

  #lifetimeName(depth: number): string {
    return depth < 26 ? `'${String.fromCharCode(97 + depth)}` : `'_${depth}`;
  }

  #constant(inType: boolean): string {
    return this.#nested(() => {
      if (this.#skip('B')) return this.#backReference(() => this.#constant(inType));
      const type = this.#next();
      if (type === 'p') return '_';
      const negative = SIGNED.includes(type) && this.#skip('n');
      const compound = inType ? (text: string) => text : (text: string) => `{${text}}`;
      if (SIGNED.includes(type) || UNSIGNED.includes(type)) {
        return `${negative ? '-' : ''}${this.#hexNumber()}`;
      }
      switch (type) {
        case 'b':
          return this.#hexNumber() === '1' ? 'true' : 'false';
        case 'c':
          return quoted("'", String.fromCodePoint(checkedPoint(Number(this.#hexNumber()))));
        case 'e':
          return compound(`*${this.#stringLiteral()}`);
        case 'R':
        case 'Q':
          if (type === 'R' && this.#skip('e')) return this.#stringLiteral();
          return compound(`&${type === 'Q' ? 'mut ' : ''}${this.#constant(true)}`);
        case 'A':
          return compound(`[${this.#list(() => this.#constant(true)).join(', ')}]`);
        case 'T': {
          const fields = this.#list(() => this.#constant(true));
          return compound(`(${fields.join(', ')}${fields.length === 1 ? ',' : ''})`);
        }
        case 'V':
          return compound(this.#structure());
        default:
          throw new SyntaxProblem();
      }
    });
  }

  #structure(): string {
    const path = this.path(true);
    switch (this.#next()) {
      case 'U':
        return path;
      case 'T':
        return `${path}(${this.#list(() => this.#constant(true)).join(', ')})`;
      case 'S': {
        const fields = this.#list(() => {
          this.#disambiguator();
          return `${this.#identifier()}: ${this.#constant(true)}`;
        });
        return `${path} { ${fields.join(', ')} }`;
      }
      default:
        throw new SyntaxProblem();
    }
  }

  #hexNumber(): string {
    return BigInt(`0x${this.#hexDigits() || '0'}`).toString();
  }

  #stringLiteral(): string {
    const bytes = Buffer.from(this.#hexDigits(), 'hex');
    return quoted('"', bytes.toString('utf8'));
  }

  #hexDigits(): string {
    const end = this.#text.indexOf('_', this.#at);
    const digits = end < 0 ? '?' : this.#text.slice(this.#at, end);
    if (!/^[0-9a-f]*$/.test(digits)) throw new SyntaxProblem();
    this.#at = end + 1;
    return digits;
  }

  #identifier(): string {
    const isPunycode = this.#skip('u');
    const digits = /^(?:0|[1-9]\d*)/.exec(this.#text.slice(this.#at, this.#at + 8))?.[0];
    if (digits === undefined) throw new SyntaxProblem();
    this.#at += digits.length;
    // Keeps a name that begins with a digit or `_` apart from its length.
    this.#skip('_');
    const end = this.#at + Number(digits);
    if (end > this.#text.length) throw new SyntaxProblem();
    const name = this.#text.slice(this.#at, end);
    this.#at = end;
    return isPunycode ? fromPunycode(name) : name;
  }

  /** 0 without one. */
  #disambiguator(): number {
    return this.#skip('s') ? this.#base62() + 1 : 0;
  }

  /** `_` is 0, `0_` is 1. Inexact for the hashes of crates, which are not shown. */
  #base62(): number {
    if (this.#skip('_')) return 0;
    let value = 0;
    for (let digit = this.#next(); digit !== '_'; digit = this.#next()) {
      value = value * 62 + base62Digit(digit);
    }
    return value + 1;
  }

  #backReference(read: () => string): string {
    const from = this.#at - 1;
    const target = this.#base62();
    if (target >= from) throw new SyntaxProblem();
    const after = this.#at;
    this.#at = target;
    const text = read();
    this.#at = after;
    return text;
  }

  #list(read: () => string): string[] {
    const items: string[] = [];
    while (!this.#skip('E')) items.push(read());
    return items;
  }

  #nested(read: () => string): string {
    if (++this.#depth > MAX_DEPTH) throw new SyntaxProblem();
    const text = read();
    this.#depth--;
    this.#length += text.length;
    if (this.#length > MAX_TEXT * 16 || text.length > MAX_TEXT) throw new SyntaxProblem();
    return text;
  }

  #skip(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #next(): string {
    const character = this.#text[this.#at++];
    if (character === undefined) throw new SyntaxProblem();
    return character;
  }
}

function base62Digit(digit: string): number {
  const index = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'.indexOf(digit);
  if (index < 0) throw new SyntaxProblem();
  return index;
}

function checkedPoint(point: number): number {
  if (!(point <= 0x10ffff)) throw new SyntaxProblem();
  return point;
}

function quoted(quote: string, text: string): string {
  return `${quote}${text.replace(/[\\\n\t\r]/g, (c) => JSON.stringify(c).slice(1, -1)).replaceAll(quote, `\\${quote}`)}${quote}`;
}

/** RFC 3492, with `_` in place of the last `-`. */
function fromPunycode(name: string): string {
  const split = name.lastIndexOf('_');
  const output = split > 0 ? [...name.slice(0, split)] : [];
  const digits = name.slice(split + 1);
  let at = 0;
  let point = 128;
  let index = 0;
  let bias = 72;
  for (let isFirst = true; at < digits.length; isFirst = false) {
    const before = index;
    for (let weight = 1, k = 36; ; k += 36) {
      const digit = '0123456789'.includes(digits[at] ?? '')
        ? digits.charCodeAt(at) - 48 + 26
        : (digits[at] ?? '~').charCodeAt(0) - 97;
      at++;
      if (digit < 0 || digit > 35) throw new SyntaxProblem();
      index += digit * weight;
      const threshold = Math.min(Math.max(k - bias, 1), 26);
      if (digit < threshold) break;
      weight *= 36 - threshold;
      if (index > Number.MAX_SAFE_INTEGER / 36) throw new SyntaxProblem();
    }
    const length = output.length + 1;
    let delta = Math.floor((index - before) / (isFirst ? 700 : 2));
    delta += Math.floor(delta / length);
    let k = 0;
    for (; delta > 455; k += 36) delta = Math.floor(delta / 35);
    bias = k + Math.floor((36 * delta) / (delta + 38));
    point += Math.floor(index / length);
    output.splice(index % length, 0, String.fromCodePoint(checkedPoint(point)));
    index = (index % length) + 1;
  }
  return output.join('');
}
