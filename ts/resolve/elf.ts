// SPDX-License-Identifier: MIT
// Names of native functions, from the symbol tables of ELF files and their separate debug files.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ElfError, ElfFile, SECTION_TYPE } from './elf-file.js';
import { PltTable } from './elf-plt.js';
import { type SymbolHit, SymbolTable } from './elf-symbols.js';
import type { ModuleId, NativeLocation, NativeSymbolizer } from './native.js';

export interface SymbolName {
  readonly name: string;
  readonly size: number;
  readonly offsetInSymbol: number;
}

/**
 * What became of a module's names: `changed` when the file is no longer the one that was loaded,
 * `stripped` when only the names that it exports are left.
 */
export type ModuleState = 'found' | 'stripped' | 'changed' | 'missing' | 'unreadable';

/**
 * Turns mangled C++ and Rust names into readable ones; returns as many, what it does not know
 * unchanged.
 */
export type Demangle = (names: readonly string[]) => readonly string[];

export interface ElfOptions {
  readonly demangle?: Demangle;
  /** Folders that hold `.build-id/xx/yyyy.debug`. */
  readonly debugRoots?: readonly string[];
}

interface Module {
  readonly state: ModuleState;
  /** Asked in order. */
  readonly tables: readonly { find(address: number): SymbolHit | null }[];
  readonly files: readonly ElfFile[];
}

const BUILTIN_PREFIX = 'Builtins_';

export class ElfSymbols implements NativeSymbolizer {
  readonly #modules = new Map<string, Module>();
  readonly #demangle: Demangle | undefined;
  readonly #debugRoots: readonly string[];
  readonly #readable = new Map<string, string>();

  constructor(options: ElfOptions = {}) {
    this.#demangle = options.demangle;
    this.#debugRoots = options.debugRoots ?? ['/usr/lib/debug'];
  }

  /** The function that covers `offset`, an address of the file itself: run-time address − bias. */
  symbolAt(path: string, offset: number, { buildId }: { buildId: string }): SymbolName | null {
    return this.symbolsAt({ path, buildId }, [offset])[0] ?? null;
  }

  symbolsAt(module: ModuleId, offsets: readonly number[]): (SymbolName | null)[] {
    const { tables } = this.#module(module);
    const hits = offsets.map((offset) => findIn(tables, offset));
    this.#makeReadable(hits);
    return hits.map((hit, i) => {
      if (!hit) return null;
      const name = this.#readable.get(hit.rawName) ?? hit.rawName;
      return { name, size: hit.size, offsetInSymbol: (offsets[i] ?? 0) - hit.start };
    });
  }

  /** Symbol tables know no lines and no inlined calls: one location each, or none. */
  locate(module: ModuleId, offsets: readonly number[]): NativeLocation[][] {
    const symbols = this.symbolsAt(module, offsets);
    return symbols.map((symbol) => (symbol ? [{ name: symbol.name, file: '', line: 0 }] : []));
  }

  state(module: ModuleId): ModuleState {
    return this.#module(module).state;
  }

  close(): void {
    for (const module of this.#modules.values()) for (const file of module.files) file.close();
    this.#modules.clear();
  }

  #module(id: ModuleId): Module {
    const key = `${id.path}\0${id.buildId}`;
    let module = this.#modules.get(key);
    if (!module) {
      module = this.#open(id);
      this.#modules.set(key, module);
    }
    return module;
  }

  #open(id: ModuleId): Module {
    const own = openModule(id.path, id.buildId);
    if (own instanceof ElfFile) {
      const full = symbolTable(own, SECTION_TYPE.symtab);
      if (full) return { state: 'found', tables: [full, new PltTable(own)], files: [own] };
    }
    // A debug file is found by build-id, so it serves even when the module's own file is gone.
    const debug = this.#openDebugFile(id.buildId || (own instanceof ElfFile ? own.buildId : ''));
    const names = debug && symbolTable(debug, SECTION_TYPE.symtab);
    const files = [own, debug].filter((file) => file instanceof ElfFile);
    const exported = own instanceof ElfFile ? symbolTable(own, SECTION_TYPE.dynsym) : null;
    const plt = own instanceof ElfFile ? new PltTable(own) : null;
    const tables = [names, exported, plt].filter((table) => table !== null);
    if (names) return { state: 'found', tables, files };
    return { state: own instanceof ElfFile ? 'stripped' : own, tables, files };
  }

  #openDebugFile(buildId: string): ElfFile | null {
    if (!/^[0-9a-f]{6,}$/.test(buildId)) return null;
    for (const root of this.#debugRoots) {
      const name = `${buildId.slice(2)}.debug`;
      const path = join(root, '.build-id', buildId.slice(0, 2), name);
      if (!existsSync(path)) continue;
      const file = openModule(path, buildId);
      if (file instanceof ElfFile) return file;
    }
    return null;
  }

  #makeReadable(hits: readonly (SymbolHit | null)[]): void {
    const mangled = new Set<string>();
    for (const hit of hits) {
      if (!hit || this.#readable.has(hit.rawName)) continue;
      const name = plainName(hit.rawName);
      this.#readable.set(hit.rawName, name);
      if (this.#demangle && isMangled(name)) mangled.add(hit.rawName);
    }
    if (!this.#demangle || mangled.size === 0) return;
    const raw = [...mangled];
    const readable = this.#demangle(raw.map(plainName));
    for (const [i, name] of raw.entries()) this.#readable.set(name, readable[i] ?? name);
  }
}

function openModule(path: string, buildId: string): ElfFile | ModuleState {
  let file: ElfFile;
  try {
    file = new ElfFile(path);
  } catch (error) {
    if (error instanceof ElfError || !isMissing(error)) return 'unreadable';
    return 'missing';
  }
  if (buildId === '' || file.buildId === buildId) return file;
  file.close();
  return 'changed';
}

function isMissing(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

function symbolTable(file: ElfFile, type: number): SymbolTable | null {
  const section = file.sections.find((s) => s.type === type);
  if (!section) return null;
  const table = unlessDamaged(() => new SymbolTable(file, section));
  return table && table.count > 0 ? table : null;
}

function findIn(tables: Module['tables'], offset: number): SymbolHit | null {
  for (const table of tables) {
    const hit = unlessDamaged(() => table.find(offset));
    if (hit) return hit;
  }
  return null;
}

/** Damaged tables give no names; they must not keep the others from theirs. */
function unlessDamaged<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof ElfError) return null;
    throw error;
  }
}

/**
 * Symbol versions (`malloc@@GLIBC_2.2.5`) say nothing to a reader, nor does the prefix of V8's
 * builtins.
 */
function plainName(raw: string): string {
  const name = raw.replace(/@@?(?!plt$)[^@]*$/, '');
  return name.startsWith(BUILTIN_PREFIX) ? name.slice(BUILTIN_PREFIX.length) : name;
}

function isMangled(name: string): boolean {
  return /^_{1,4}Z|^_R/.test(name);
}
