// SPDX-License-Identifier: MIT
// The parts of a 64-bit little-endian ELF file that name look-ups need, read on demand.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { VDSO, vdsoRange } from './vdso.js';

export const SECTION_TYPE = { symtab: 2, rela: 4, note: 7, nobits: 8, dynsym: 11 } as const;
export const SECTION_EXECUTABLE = 4;
export const MACHINE = { x64: 62, arm64: 183 } as const;

const HEADER_BYTES = 64;
const SECTION_BYTES = 64;
const SEGMENT_BYTES = 56;
const NOTE_SEGMENT = 4;
const GNU_BUILD_ID = 3;
// A module with more is not one that a linker made; it keeps a corrupt header from a huge read.
const MAX_SECTIONS = 1 << 20;
const MAX_NOTE_BYTES = 1 << 20;
const NAME_PAGE_BYTES = 1 << 14;
const MAX_NAME_BYTES = 1 << 16;

export interface Section {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly address: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly entryBytes: number;
}

/** The file is not an ELF file that can be read: damaged, cut, or of another kind. */
export class ElfError extends Error {
  override readonly name = 'ElfError';
}

/** Reads a u64 as a double: exact below 2^53, which covers every file offset and address. */
export function readU64(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 0x1_0000_0000 + view.getUint32(at, true);
}

export class ElfFile {
  readonly path: string;
  readonly size: number;
  readonly modifiedMs: number;
  readonly machine: number;
  readonly sections: readonly Section[];
  /** Lower-case hexadecimal, or '' when the file has none. */
  readonly buildId: string;
  readonly #namePages = new Map<number, Buffer>();
  #fd: number;
  /** Where it begins in what is open. */
  readonly #origin: number;

  constructor(path: string) {
    this.path = path;
    const range = path === VDSO ? vdsoRange() : null;
    this.#fd = openSync(range ? '/proc/self/mem' : path, 'r');
    this.#origin = range?.begin ?? 0;
    try {
      const stat = fstatSync(this.#fd);
      if (!stat.isFile()) throw new ElfError(`${path}: not a file`);
      this.size = range?.bytes ?? stat.size;
      this.modifiedMs = stat.mtimeMs;
      const header = this.read(0, HEADER_BYTES);
      // 7f 'E' 'L' 'F', 64-bit, little-endian.
      if (header.getUint32(0) !== 0x7f454c46 || header.getUint16(4) !== 0x0201) {
        throw new ElfError(`${path}: not a 64-bit little-endian ELF file`);
      }
      this.machine = header.getUint16(18, true);
      this.buildId = this.#readBuildId(header);
      this.sections = this.#readSections(header);
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
  }

  close(): void {
    if (this.#fd < 0) return;
    closeSync(this.#fd);
    this.#fd = -1;
  }

  section(name: string): Section | undefined {
    return this.sections.find((section) => section.name === name);
  }

  sectionData(section: Section): DataView {
    if (section.type === SECTION_TYPE.nobits) return new DataView(new ArrayBuffer(0));
    return this.read(section.offset, section.size);
  }

  read(offset: number, size: number): DataView {
    // `!(a <= b)` also refuses what a corrupt 64-bit number became.
    if (!(offset + size <= this.size)) throw new ElfError(`${this.path}: cut off or damaged`);
    const bytes = new Uint8Array(size);
    let done = 0;
    while (done < size) {
      const n = readSync(this.#fd, bytes, done, size - done, this.#origin + offset + done);
      if (n === 0) throw new ElfError(`${this.path}: cut off`);
      done += n;
    }
    return new DataView(bytes.buffer, bytes.byteOffset, size);
  }

  /**
   * One name of a string table. The table of a node binary has 19 MB and a report asks for few of
   * its names: only the pages that hold them are read.
   */
  readName(table: Section, index: number): string {
    if (index >= table.size) return '';
    const start = table.offset + index;
    if (!(start < this.size)) throw new ElfError(`${this.path}: cut off or damaged`);
    const page = this.#namePage(Math.floor(start / NAME_PAGE_BYTES));
    const end = page.indexOf(0, start % NAME_PAGE_BYTES);
    if (end >= 0) return page.toString('utf8', start % NAME_PAGE_BYTES, end);
    const rest = this.read(start, Math.min(table.size - index, MAX_NAME_BYTES));
    const bytes = Buffer.from(rest.buffer, rest.byteOffset, rest.byteLength);
    const length = bytes.indexOf(0);
    return bytes.toString('utf8', 0, length < 0 ? bytes.length : length);
  }

  #namePage(number: number): Buffer {
    let page = this.#namePages.get(number);
    if (!page) {
      const start = number * NAME_PAGE_BYTES;
      const view = this.read(start, Math.min(NAME_PAGE_BYTES, this.size - start));
      page = Buffer.from(view.buffer, view.byteOffset, view.byteLength);
      this.#namePages.set(number, page);
    }
    return page;
  }

  #readBuildId(header: DataView): string {
    const offset = readU64(header, 32);
    const count = header.getUint16(56, true);
    if (count === 0 || header.getUint16(54, true) !== SEGMENT_BYTES) return '';
    const segments = this.read(offset, count * SEGMENT_BYTES);
    for (let at = 0; at < segments.byteLength; at += SEGMENT_BYTES) {
      if (segments.getUint32(at, true) !== NOTE_SEGMENT) continue;
      const size = Math.min(readU64(segments, at + 32), MAX_NOTE_BYTES);
      // Debug files keep the segment but not the bytes of some: the note may lie past their end.
      const start = readU64(segments, at + 8);
      if (!(start + size <= this.size)) continue;
      const id = findBuildId(this.read(start, size), readU64(segments, at + 48));
      if (id !== '') return id;
    }
    return '';
  }

  #readSections(header: DataView): Section[] {
    const offset = readU64(header, 40);
    if (offset === 0) return [];
    if (header.getUint16(58, true) !== SECTION_BYTES) {
      throw new ElfError(`${this.path}: unknown section header`);
    }
    // Counts that do not fit into 16 bits are kept in section 0.
    const first = this.read(offset, SECTION_BYTES);
    const count = header.getUint16(60, true) || readU64(first, 32);
    const shortIndex = header.getUint16(62, true);
    const namesIndex = shortIndex === 0xffff ? first.getUint32(40, true) : shortIndex;
    if (count > MAX_SECTIONS) throw new ElfError(`${this.path}: damaged section headers`);
    const raw = this.read(offset, count * SECTION_BYTES);
    const names = namesIndex < count ? this.#rawSectionData(raw, namesIndex) : Buffer.alloc(0);
    const sections: Section[] = [];
    for (let at = 0; at < raw.byteLength; at += SECTION_BYTES) {
      const nameAt = raw.getUint32(at, true);
      const nameEnd = names.indexOf(0, nameAt);
      sections.push({
        name: nameEnd < 0 ? '' : names.toString('latin1', nameAt, nameEnd),
        type: raw.getUint32(at + 4, true),
        flags: raw.getUint32(at + 8, true),
        address: readU64(raw, at + 16),
        offset: readU64(raw, at + 24),
        size: readU64(raw, at + 32),
        link: raw.getUint32(at + 40, true),
        entryBytes: readU64(raw, at + 56),
      });
    }
    return sections;
  }

  #rawSectionData(raw: DataView, index: number): Buffer {
    const at = index * SECTION_BYTES;
    const view = this.read(readU64(raw, at + 24), readU64(raw, at + 32));
    return Buffer.from(view.buffer, view.byteOffset, view.byteLength);
  }
}

function findBuildId(notes: DataView, alignment: number): string {
  const step = alignment === 8 ? 8 : 4;
  const align = (n: number) => Math.ceil(n / step) * step;
  for (let at = 0; at + 12 <= notes.byteLength; ) {
    const nameBytes = notes.getUint32(at, true);
    const idBytes = notes.getUint32(at + 4, true);
    const idAt = at + align(12 + nameBytes);
    if (idAt + idBytes > notes.byteLength) return '';
    const isGnu = nameBytes === 4 && notes.getUint32(at + 12) === 0x474e5500;
    if (isGnu && notes.getUint32(at + 8, true) === GNU_BUILD_ID) {
      return Buffer.from(notes.buffer, notes.byteOffset + idAt, idBytes).toString('hex');
    }
    at = align(idAt + idBytes);
  }
  return '';
}
