// SPDX-License-Identifier: MIT
// Names of native functions, from the symbol tables of ELF files and their separate debug files.
import {
  type DebugFilesOptions,
  type FileState,
  hasLines,
  openModuleFiles,
} from './debug-files.js';
import { ElfError, ElfFile, SECTION_TYPE } from './elf-file.js';
import { PltTable } from './elf-plt.js';
import { type SymbolHit, SymbolTable } from './elf-symbols.js';
import { findLineTool, type LineTool, locateByTool } from './line-tool.js';
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
export type ModuleState = 'found' | 'stripped' | FileState;

/**
 * Turns mangled C++ and Rust names into readable ones; returns as many, what it does not know
 * unchanged.
 */
export type Demangle = (names: readonly string[]) => readonly string[];

export interface ElfOptions extends DebugFilesOptions {
  readonly demangle?: Demangle;
  /** Looked for when first needed unless given. */
  readonly lineTool?: LineTool | null;
}

interface Module {
  readonly state: ModuleState;
  /** Asked in order. */
  readonly tables: readonly { find(address: number): SymbolHit | null }[];
  readonly files: readonly ElfFile[];
  /** The file with the debug information. */
  readonly lines: string | null;
}

const BUILTIN_PREFIX = 'Builtins_';

export class ElfSymbols implements NativeSymbolizer {
  readonly #modules = new Map<string, Module>();
  readonly #demangle: Demangle | undefined;
  readonly #files: DebugFilesOptions;
  #tool: LineTool | null | undefined;
  readonly #readable = new Map<string, string>();

  constructor(options: ElfOptions = {}) {
    this.#demangle = options.demangle;
    this.#files = options;
    this.#tool = options.lineTool;
  }

  /** The function that covers `offset`, an address of the file itself: run-time address − bias. */
  symbolAt(path: string, offset: number, { buildId }: { buildId: string }): SymbolName | null {
    return this.symbolsAt({ path, buildId }, [offset])[0] ?? null;
  }

  symbolsAt(module: ModuleId, offsets: readonly number[]): (SymbolName | null)[] {
    const { tables } = this.#module(module);
    const hits = offsets.map((offset) => findIn(tables, offset));
    this.#makeReadable(hits.flatMap((hit) => (hit ? [hit.rawName] : [])));
    return hits.map((hit, i) => {
      if (!hit) return null;
      const name = this.#readable.get(hit.rawName) ?? hit.rawName;
      return { name, size: hit.size, offsetInSymbol: (offsets[i] ?? 0) - hit.start };
    });
  }

  /** Names are those of the symbol table, as it has the whole one of the outermost function; the rest is in the debug file. */
  locate(module: ModuleId, offsets: readonly number[]): NativeLocation[][] {
    const symbols = this.symbolsAt(module, offsets);
    const bare = symbols.map((symbol) =>
      symbol ? [{ name: symbol.name, file: '', line: 0 }] : [],
    );
    const found = this.#lines(this.#module(module), offsets);
    if (!found) return bare;
    this.#makeReadable(found.flatMap((locations) => locations.map(({ name }) => name)));
    return found.map((locations, i) => {
      if (locations.length === 0) return bare[i] ?? [];
      const named = locations.map((at) => ({
        ...at,
        name: this.#readable.get(at.name) ?? at.name,
      }));
      const outermost = named[0];
      const name = symbols[i]?.name ?? outermost?.name ?? '';
      return outermost ? [{ ...outermost, name }, ...named.slice(1)] : [];
    });
  }

  /** Whether its file or a debug file has lines that could not be read. */
  lacksTool(module: ModuleId): boolean {
    const opened = this.#module(module);
    return opened.lines !== null && this.#tool === null;
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
    const { own, debug } = openModuleFiles(id, this.#files);
    const file = own instanceof ElfFile ? own : null;
    const full = file && symbolTable(file, SECTION_TYPE.symtab);
    const separate = full === null && debug ? symbolTable(debug, SECTION_TYPE.symtab) : null;
    const exported = full === null && file ? symbolTable(file, SECTION_TYPE.dynsym) : null;
    const tables = [full ?? separate, exported, file && new PltTable(file)];
    const stripped = own instanceof ElfFile ? 'stripped' : own;
    return {
      state: full || separate ? 'found' : stripped,
      tables: tables.filter((table) => table !== null),
      files: [file, debug].filter((opened) => opened !== null),
      lines: [file, debug].find((opened) => opened && hasLines(opened))?.path ?? null,
    };
  }

  /** The functions around each address as the debug information has them; null without any. */
  #lines({ lines }: Module, offsets: readonly number[]): NativeLocation[][] | null {
    if (lines === null) return null;
    if (this.#tool === undefined) this.#tool = findLineTool();
    return this.#tool && locateByTool(this.#tool, lines, offsets);
  }

  #makeReadable(names: readonly string[]): void {
    const mangled = new Set<string>();
    for (const raw of names) {
      if (this.#readable.has(raw)) continue;
      const name = plainName(raw);
      this.#readable.set(raw, name);
      if (this.#demangle && isMangled(name)) mangled.add(raw);
    }
    if (!this.#demangle || mangled.size === 0) return;
    const raw = [...mangled];
    const readable = this.#demangle(raw.map(plainName));
    for (const [i, name] of raw.entries()) this.#readable.set(name, readable[i] ?? name);
  }
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
