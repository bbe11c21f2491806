// SPDX-License-Identifier: MIT
// One symbol table as sorted arrays: which function covers an address.
import { type ElfFile, SECTION_EXECUTABLE, type Section } from './elf-file.js';

const SYMBOL_BYTES = 24;
const SYMBOL_WORDS = SYMBOL_BYTES / 4;
const TYPE = { none: 0, function: 2, ifunc: 10 } as const;
const BINDING = { local: 0, global: 1, weak: 2 } as const;
const FIRST_RESERVED_SECTION = 0xff00;

export interface SymbolHit {
  /** Raw (mangled) name as the string table has it. */
  readonly rawName: string;
  /** Address of the symbol's first byte, in the file's own addresses. */
  readonly start: number;
  readonly size: number;
}

export class SymbolTable {
  readonly #file: ElfFile;
  readonly #strings: Section;
  /** Sorted; several symbols may start at one address. */
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;
  /** Highest end up to and including each index: how far a look-up must go back. */
  readonly #reach: Float64Array;
  /** Where each is in `#found`, which is in the order of the file. */
  readonly #order: Uint32Array;
  readonly #found: Functions;

  constructor(file: ElfFile, section: Section) {
    const found = collectFunctions(file, section);
    const order = sortedOrder(found.starts);
    this.#file = file;
    this.#strings = file.sections[section.link] ?? { ...section, size: 0 };
    this.#found = found;
    this.#order = order;
    this.#starts = new Float64Array(order.length);
    this.#ends = new Float64Array(order.length);
    this.#reach = new Float64Array(order.length);
    for (let i = 0; i < order.length; i++) {
      const from = order[i] as number;
      this.#starts[i] = found.starts[from] as number;
      this.#ends[i] = found.ends[from] as number;
    }
    this.#closeOpenEnds();
  }

  get count(): number {
    return this.#starts.length;
  }

  /** The innermost symbol whose bytes include the address. */
  find(address: number): SymbolHit | null {
    for (let i = this.#lastAtOrBefore(address); i >= 0; i--) {
      if ((this.#reach[i] ?? 0) <= address) return null;
      if ((this.#ends[i] ?? 0) > address) return this.#bestAlias(i, address);
    }
    return null;
  }

  /**
   * Of the symbols that start where the last of them does: the one that names the function best.
   */
  #bestAlias(last: number, address: number): SymbolHit {
    const start = this.#starts[last] ?? 0;
    let best: { rank: number; hit: SymbolHit } | null = null;
    for (let i = last; i >= 0 && this.#starts[i] === start; i--) {
      const end = this.#ends[i] ?? 0;
      if (end <= address) continue;
      const from = this.#order[i] ?? 0;
      const rawName = this.#file.readName(this.#strings, this.#found.names[from] ?? 0);
      // `malloc` rather than `__libc_malloc`.
      const underscores = /^_*/.exec(rawName)?.[0].length ?? 0;
      const rank = (this.#found.ranks[from] ?? 0) * 16 + Math.min(underscores, 15);
      if (!best || rank < best.rank || (rank === best.rank && rawName < best.hit.rawName)) {
        best = { rank, hit: { rawName, start, size: end - start } };
      }
    }
    return best?.hit ?? { rawName: '', start, size: 0 };
  }

  #lastAtOrBefore(address: number): number {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#starts[middle] ?? 0) <= address) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /**
   * Hand-written assembly has no sizes: such a symbol ends where the next or its section does.
   * Inside a sized symbol it is a label, which names nothing.
   */
  #closeOpenEnds(): void {
    const executable = this.#file.sections.filter(isExecutable);
    const starts = this.#starts;
    const ends = this.#ends;
    let reach = 0;
    for (let first = 0; first < starts.length; ) {
      const start = starts[first] as number;
      let last = first;
      let sizedEnd = start;
      for (; last < starts.length && starts[last] === start; last++) {
        sizedEnd = Math.max(sizedEnd, ends[last] as number);
      }
      let openEnd = sizedEnd;
      if (sizedEnd === start && start >= reach) {
        const next = starts[last] ?? Number.POSITIVE_INFINITY;
        const home = executable.find((s) => start >= s.address && start < s.address + s.size);
        if (home) openEnd = Math.min(next, home.address + home.size);
      }
      reach = Math.max(reach, openEnd);
      for (let i = first; i < last; i++) {
        if ((ends[i] as number) <= start) ends[i] = openEnd;
        this.#reach[i] = reach;
      }
      first = last;
    }
  }
}

interface Functions {
  readonly starts: Float64Array;
  readonly ends: Float64Array;
  readonly names: Uint32Array;
  /** Of several symbols at one address the lowest names it. */
  readonly ranks: Uint8Array;
}

function collectFunctions(file: ElfFile, section: Section): Functions {
  const raw = file.sectionData(section);
  const total = section.entryBytes === SYMBOL_BYTES ? Math.floor(raw.byteLength / SYMBOL_BYTES) : 0;
  // Read as words: a node binary has 180,000 symbols, and this is most of the time that names take.
  const words = new Uint32Array(raw.buffer, raw.byteOffset, total * SYMBOL_WORDS);
  const executable = Uint8Array.from(file.sections, (home) => (isExecutable(home) ? 1 : 0));
  const starts = new Float64Array(total);
  const ends = new Float64Array(total);
  const names = new Uint32Array(total);
  const ranks = new Uint8Array(total);
  let count = 0;
  for (let at = 0; at < words.length; at += SYMBOL_WORDS) {
    // info, other and the section's index share a word.
    const second = words[at + 1] as number;
    const type = second & 15;
    if (type !== TYPE.function && type !== TYPE.ifunc && type !== TYPE.none) continue;
    const home = second >>> 16;
    if (home === 0 || home >= FIRST_RESERVED_SECTION || executable[home] !== 1) continue;
    const name = words[at] as number;
    if (name === 0 || (type === TYPE.none && isMappingSymbol(file, section, name))) continue;
    const start = (words[at + 3] as number) * 2 ** 32 + (words[at + 2] as number);
    const size = (words[at + 5] as number) * 2 ** 32 + (words[at + 4] as number);
    starts[count] = start;
    ends[count] = start + size;
    names[count] = name;
    ranks[count] = rank(type, (second >>> 4) & 15, size !== 0);
    count++;
  }
  return {
    starts: starts.subarray(0, count),
    ends: ends.subarray(0, count),
    names: names.subarray(0, count),
    ranks: ranks.subarray(0, count),
  };
}

/** arm64 assemblers mark code and data with `$x` and `$d`; compilers leave `.L` labels. */
function isMappingSymbol(file: ElfFile, section: Section, name: number): boolean {
  const strings = file.sections[section.link];
  if (!strings) return true;
  const text = file.readName(strings, name);
  return text.startsWith('$') || text.startsWith('.');
}

function rank(type: number, binding: number, sized: boolean): number {
  const byBinding = binding === BINDING.global ? 0 : binding === BINDING.weak ? 1 : 2;
  return (sized ? 0 : 8) + (type === TYPE.none ? 4 : 0) + byBinding;
}

function isExecutable(section: Section): boolean {
  return (section.flags & SECTION_EXECUTABLE) !== 0;
}

/**
 * Indexes by ascending start. Keys with the index in their low bits sort natively, five times as
 * fast.
 */
function sortedOrder(starts: Float64Array): Uint32Array {
  const order = new Uint32Array(starts.length);
  let low = Number.POSITIVE_INFINITY;
  let high = 0;
  for (let i = 0; i < order.length; i++) {
    const start = starts[i] ?? 0;
    if (start < low) low = start;
    if (start > high) high = start;
    order[i] = i;
  }
  const scale = 2 ** Math.ceil(Math.log2(order.length + 1));
  if ((high - low + 1) * scale > Number.MAX_SAFE_INTEGER) {
    return order.sort((a, b) => (starts[a] ?? 0) - (starts[b] ?? 0));
  }
  const keys = new Float64Array(order.length);
  for (let i = 0; i < keys.length; i++) keys[i] = ((starts[i] as number) - low) * scale + i;
  keys.sort();
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as number;
    // Exact, as the scale is a power of two; `%` would take ten times as long.
    order[i] = key - Math.floor(key / scale) * scale;
  }
  return order;
}
