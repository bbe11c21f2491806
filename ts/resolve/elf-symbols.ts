// SPDX-License-Identifier: MIT
// One symbol table as sorted arrays: which function covers an address.
import { type ElfFile, readU64, SECTION_EXECUTABLE, type Section } from './elf-file.js';

const SYMBOL_BYTES = 24;
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
  readonly #names: Uint32Array;
  readonly #ranks: Uint8Array;

  constructor(file: ElfFile, section: Section) {
    const found = collectFunctions(file, section);
    const order = sortedOrder(found.starts);
    this.#file = file;
    this.#strings = file.sections[section.link] ?? { ...section, size: 0 };
    this.#starts = new Float64Array(order.length);
    this.#ends = new Float64Array(order.length);
    this.#reach = new Float64Array(order.length);
    this.#names = new Uint32Array(order.length);
    this.#ranks = new Uint8Array(order.length);
    for (let i = 0; i < order.length; i++) {
      const from = order[i] ?? 0;
      this.#starts[i] = found.starts[from] ?? 0;
      this.#ends[i] = found.ends[from] ?? 0;
      this.#names[i] = found.names[from] ?? 0;
      this.#ranks[i] = found.ranks[from] ?? 0;
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
      const rawName = this.#file.readName(this.#strings, this.#names[i] ?? 0);
      // `malloc` rather than `__libc_malloc`.
      const underscores = /^_*/.exec(rawName)?.[0].length ?? 0;
      const rank = (this.#ranks[i] ?? 0) * 16 + Math.min(underscores, 15);
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
    let reach = 0;
    for (let first = 0; first < this.#starts.length; ) {
      const start = this.#starts[first] ?? 0;
      let last = first;
      let sizedEnd = start;
      for (; last < this.#starts.length && this.#starts[last] === start; last++) {
        sizedEnd = Math.max(sizedEnd, this.#ends[last] ?? 0);
      }
      const next = this.#starts[last] ?? Number.POSITIVE_INFINITY;
      let openEnd = sizedEnd;
      if (sizedEnd === start && start >= reach) {
        const home = executable.find((s) => start >= s.address && start < s.address + s.size);
        if (home) openEnd = Math.min(next, home.address + home.size);
      }
      reach = Math.max(reach, openEnd);
      for (let i = first; i < last; i++) {
        if ((this.#ends[i] ?? 0) <= start) this.#ends[i] = openEnd;
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
  const executable = file.sections.map(isExecutable);
  const starts = new Float64Array(total);
  const ends = new Float64Array(total);
  const names = new Uint32Array(total);
  const ranks = new Uint8Array(total);
  let count = 0;
  for (let at = 0; at < total * SYMBOL_BYTES; at += SYMBOL_BYTES) {
    const info = raw.getUint8(at + 4);
    const type = info & 15;
    if (type !== TYPE.function && type !== TYPE.ifunc && type !== TYPE.none) continue;
    const home = raw.getUint16(at + 6, true);
    if (home === 0 || home >= FIRST_RESERVED_SECTION || !executable[home]) continue;
    const name = raw.getUint32(at, true);
    if (name === 0 || (type === TYPE.none && isMappingSymbol(file, section, name))) continue;
    const start = readU64(raw, at + 8);
    starts[count] = start;
    ends[count] = start + readU64(raw, at + 16);
    names[count] = name;
    ranks[count] = rank(type, info >> 4, ends[count] !== start);
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
  for (let i = 0; i < keys.length; i++) keys[i] = ((starts[i] ?? 0) - low) * scale + i;
  keys.sort();
  for (let i = 0; i < keys.length; i++) order[i] = (keys[i] ?? 0) % scale;
  return order;
}
