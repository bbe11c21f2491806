// SPDX-License-Identifier: MIT
// Names of procedure linkage table entries, which no symbol table lists: `malloc@plt`.
import { type ElfFile, MACHINE, readU64, SECTION_TYPE, type Section } from './elf-file.js';
import type { SymbolHit } from './elf-symbols.js';

const RELA_BYTES = 24;
const SYMBOL_BYTES = 24;
// Relocation types that fill a slot with the address of one symbol.
const SLOT_TYPES: Readonly<Record<number, readonly number[]>> = {
  [MACHINE.x64]: [6, 7], // GLOB_DAT, JUMP_SLOT
  [MACHINE.arm64]: [1025, 1026],
};
const PLT_SECTIONS = ['.plt', '.plt.sec', '.plt.got'];

/**
 * Finds the entry by the slot it jumps through, which holds however the linker ordered its entries.
 */
export class PltTable {
  readonly #file: ElfFile;
  readonly #sections: readonly Section[];
  #slots: Map<number, number> | null = null;

  constructor(file: ElfFile) {
    this.#file = file;
    this.#sections = file.sections.filter((section) => PLT_SECTIONS.includes(section.name));
  }

  find(address: number): SymbolHit | null {
    const section = this.#sections.find(
      (s) => address >= s.address && address < s.address + s.size,
    );
    if (!section) return null;
    const entryBytes = section.entryBytes === 8 ? 8 : 16;
    const start = address - ((address - section.address) % entryBytes);
    const end = Math.min(start + entryBytes, section.address + section.size);
    const code = this.#file.read(section.offset + start - section.address, end - start);
    const slot = slotOf(this.#file.machine, code, start);
    const symbol = slot === null ? undefined : this.#slotSymbols().get(slot);
    const name = symbol === undefined ? '' : this.#symbolName(symbol);
    // The first entry calls the dynamic linker; it has no name of its own.
    return { rawName: name === '' ? '(plt)' : `${name}@plt`, start, size: end - start };
  }

  #slotSymbols(): Map<number, number> {
    if (this.#slots) return this.#slots;
    const types = SLOT_TYPES[this.#file.machine] ?? [];
    const slots = new Map<number, number>();
    for (const section of this.#file.sections) {
      if (section.type !== SECTION_TYPE.rela) continue;
      const raw = this.#file.sectionData(section);
      for (let at = 0; at + RELA_BYTES <= raw.byteLength; at += RELA_BYTES) {
        if (!types.includes(raw.getUint32(at + 8, true))) continue;
        slots.set(readU64(raw, at), raw.getUint32(at + 12, true));
      }
    }
    this.#slots = slots;
    return slots;
  }

  #symbolName(index: number): string {
    const symbols = this.#file.sections.find((section) => section.type === SECTION_TYPE.dynsym);
    const strings = symbols && this.#file.sections[symbols.link];
    if (!strings || (index + 1) * SYMBOL_BYTES > symbols.size) return '';
    const entry = this.#file.read(symbols.offset + index * SYMBOL_BYTES, SYMBOL_BYTES);
    return this.#file.readName(strings, entry.getUint32(0, true));
  }
}

/** The address of the slot that a linkage table entry at `start` jumps through. */
export function slotOf(machine: number, code: DataView, start: number): number | null {
  if (machine === MACHINE.x64) return x64Slot(code, start);
  return machine === MACHINE.arm64 ? arm64Slot(code, start) : null;
}

/** `jmp *disp32(%rip)`, after endbr64 and a bnd prefix where the compiler put them. */
function x64Slot(code: DataView, start: number): number | null {
  let at = 0;
  if (code.byteLength >= 4 && code.getUint32(0) === 0xf30f1efa) at = 4;
  if (at < code.byteLength && code.getUint8(at) === 0xf2) at++;
  if (at + 6 > code.byteLength || code.getUint16(at) !== 0xff25) return null;
  return start + at + 6 + code.getInt32(at + 2, true);
}

/** `adrp x16, page; ldr x17, [x16, #offset]`. */
function arm64Slot(code: DataView, start: number): number | null {
  if (code.byteLength < 8) return null;
  const adrp = code.getUint32(0, true);
  const ldr = code.getUint32(4, true);
  if ((adrp & 0x9f00001f) >>> 0 !== 0x90000010 || (ldr & 0xffc003ff) >>> 0 !== 0xf9400211)
    return null;
  // 19 high bits and 2 low ones, signed, count pages.
  const pages = (((((adrp >>> 5) & 0x7ffff) << 2) | ((adrp >>> 29) & 3)) << 11) >> 11;
  const page = Math.floor(start / 4096) + pages;
  return page * 4096 + ((ldr >>> 10) & 0xfff) * 8;
}
