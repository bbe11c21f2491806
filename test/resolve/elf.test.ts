// SPDX-License-Identifier: MIT
import { copyFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type ElfOptions, ElfSymbols } from '../../ts/resolve/elf.js';
import { ElfFile } from '../../ts/resolve/elf-file.js';
import { slotOf } from '../../ts/resolve/elf-plt.js';
import { temporaryFolder } from '../support/folder.js';
import { compile, demangle, run } from '../support/native.js';

const SOURCE = fileURLToPath(new URL('fixtures/native-names.cc', import.meta.url));
const ANY = { buildId: '' };

function open(options: ElfOptions = { demangle }): ElfSymbols {
  const symbols = new ElfSymbols(options);
  onTestFinished(() => symbols.close());
  return symbols;
}

function build(name: string, ...flags: readonly string[]): string {
  return compile(SOURCE, join(temporaryFolder(), name), ...flags);
}

function buildIdOf(path: string): string {
  return /Build ID: ([0-9a-f]+)/.exec(run('readelf', '-nW', path))?.[1] ?? '';
}

interface NmSymbol {
  readonly start: number;
  readonly size: number;
  readonly name: string;
}

/** Sized functions as binutils list them. */
function nm(path: string, ...flags: readonly string[]): NmSymbol[] {
  const symbols: NmSymbol[] = [];
  for (const line of run('nm', '-S', '--defined-only', ...flags, path).split('\n')) {
    const [start, size, type, name] = line.split(' ');
    if (name === undefined || !/^[tTwWi]$/.test(type ?? '')) continue;
    symbols.push({ start: Number(`0x${start}`), size: Number(`0x${size}`), name });
  }
  return symbols;
}

const plain = (name: string) => name.replace(/@.*$/, '').replace(/^Builtins_/, '');

/** Looks up the first, a middle and the last byte of every `step`th function. */
function expectSameAsNm(path: string, listed: readonly NmSymbol[], step: number): void {
  const names = new Map<number, Set<string>>();
  for (const { start, name } of listed) {
    names.set(start, (names.get(start) ?? new Set()).add(plain(name)));
  }
  const sample = listed.filter((_, i) => i % step === 0);
  const asked = sample.flatMap(({ start, size }) =>
    [0, size >> 1, size - 1].map((at) => ({ start, end: start + size, address: start + at })),
  );
  const symbols = open({});
  const found = symbols.symbolsAt(
    { path, buildId: '' },
    asked.map(({ address }) => address),
  );
  for (const [i, hit] of found.entries()) {
    const { start, end, address } = asked[i] ?? { start: 0, end: 0, address: 0 };
    expect(hit, `0x${address.toString(16)}`).not.toBeNull();
    if (!hit) continue;
    const hitStart = address - hit.offsetInSymbol;
    expect(names.get(hitStart), hit.name).toContain(hit.name);
    // Of nested symbols the inner one is found.
    expect(hitStart).toBeGreaterThanOrEqual(start);
    expect(hitStart === start || hitStart + hit.size <= end).toBe(true);
  }
}

describe('real files', () => {
  it('finds every function of the running node that nm lists', () => {
    const listed = nm(process.execPath);
    expect(listed.length).toBeGreaterThan(50_000);
    expectSameAsNm(process.execPath, listed, 29);
  });

  it('names V8 builtins without their prefix', () => {
    const builtin = nm(process.execPath).find(
      ({ name }) => name === 'Builtins_InterpreterEntryTrampoline',
    );
    const hit = open().symbolAt(process.execPath, (builtin?.start ?? 0) + 5, ANY);
    expect(hit).toEqual({
      name: 'InterpreterEntryTrampoline',
      size: builtin?.size,
      offsetInSymbol: 5,
    });
  });

  it('finds what a stripped libc exports, and nothing between', () => {
    const maps = readFileSync('/proc/self/maps', 'utf8');
    const libc = /\S+\/libc(?:\.so\.6|\.musl\S+)$/m.exec(maps)?.[0] ?? '';
    const listed = nm(libc, '-D');
    expect(listed.length).toBeGreaterThan(1500);
    expectSameAsNm(libc, listed, 1);
    const malloc = listed.find(({ name }) => plain(name) === 'malloc');
    const symbols = open({ debugRoots: [] });
    expect(symbols.symbolAt(libc, (malloc?.start ?? 0) + 1, ANY)?.name).toBe('malloc');
    expect(symbols.state({ path: libc, buildId: '' })).toBe('stripped');
    const ends = new Set(listed.map(({ start, size }) => start + size));
    const covered = (at: number) => listed.some((s) => s.start <= at && at < s.start + s.size);
    const gap = [...ends].find((end) => !covered(end));
    expect(symbols.symbolAt(libc, gap ?? 0, ANY)).toBeNull();
  });

  it('agrees with addr2line on every 7th byte of a program', () => {
    const path = build('program', '-g');
    const text = new ElfFile(path).section('.text');
    const addresses: number[] = [];
    const end = (text?.address ?? 0) + (text?.size ?? 0);
    for (let at = text?.address ?? 0; at < end; at += 7) addresses.push(at);
    const arguments_ = addresses.map((at) => at.toString(16));
    const lines = run('addr2line', '-fC', '-e', path, ...arguments_).split('\n');
    const found = open().symbolsAt({ path, buildId: '' }, addresses);
    let compared = 0;
    for (const [i, hit] of found.entries()) {
      const theirs = lines[2 * i];
      // addr2line calls padding and assembly by the function before.
      if (!hit || /^(?:un)?sized|^nested_|^_/.test(hit.name)) continue;
      // Line tables name a function without its parameters and result.
      expect(hit.name).toContain(theirs?.replace(/\(.*$/, '').replace(/^\S+ /, ''));
      compared++;
    }
    expect(compared).toBeGreaterThan(30);
  });
});

describe.each([['-pie'], ['-no-pie']])('return addresses of a program built with %s', (flag) => {
  it.each([
    ['with its own symbols', false],
    ['stripped, with a debug file', true],
  ])('are inside their callers, %s', (_, stripped) => {
    const path = build('program', '-fpie', flag);
    const debugRoot = join(dirname(path), 'debug');
    const buildId = buildIdOf(path);
    if (stripped) {
      const debug = join(debugRoot, '.build-id', buildId.slice(0, 2), `${buildId.slice(2)}.debug`);
      mkdirSync(dirname(debug), { recursive: true });
      run('objcopy', '--only-keep-debug', path, debug);
      run('strip', path);
    }
    const lines = run(path).trim().split('\n');
    expect(lines).toHaveLength(3);
    const symbols = open({ demangle, debugRoots: [debugRoot] });
    for (const line of lines) {
      const [, name, address] = /^(.*) ([0-9a-f]+)$/.exec(line) ?? [];
      const offset = Number.parseInt(address ?? '', 16) - 1;
      expect(symbols.symbolAt(path, offset, { buildId })?.name).toBe(name);
    }
    expect(symbols.state({ path, buildId })).toBe('found');
  });
});

describe('a module', () => {
  it('that was rebuilt gives no names', () => {
    const path = build('program');
    const symbols = open();
    const main = nm(path).find(({ name }) => name === 'main')?.start ?? 0;
    const recorded = buildIdOf(path);
    expect(recorded).toMatch(/^[0-9a-f]{40}$/);
    expect(symbols.symbolAt(path, main, { buildId: recorded })?.name).toBe('main');
    const other = { path, buildId: recorded.replace(/^./, (c) => (c === '0' ? '1' : '0')) };
    expect(symbols.symbolsAt(other, [main])).toEqual([null]);
    expect(symbols.state(other)).toBe('changed');
  });

  it('whose file is gone or is none gives no names and says why', () => {
    const folder = temporaryFolder();
    const text = join(folder, 'text');
    writeFileSync(text, 'x'.repeat(100));
    const symbols = open();
    const state = (path: string) => {
      expect(symbols.symbolAt(path, 1, ANY)).toBeNull();
      return symbols.state({ path, buildId: '' });
    };
    expect(state(join(folder, 'none'))).toBe('missing');
    expect(state(join(text, 'below-a-file'))).toBe('missing');
    expect(state(text)).toBe('unreadable');
    expect(state(folder)).toBe('unreadable');
    expect(state('linux-vdso.so.1')).toBe('missing');
    expect(state('')).toBe('missing');
  });

  it('with more sections than its header can count is read', () => {
    const path = build('program');
    const bytes = readFileSync(path);
    const first = Number(bytes.readBigUInt64LE(40));
    // What linkers write from 65280 sections on: the numbers move into section 0.
    bytes.writeBigUInt64LE(BigInt(bytes.readUInt16LE(60)), first + 32);
    bytes.writeUInt32LE(bytes.readUInt16LE(62), first + 40);
    bytes.writeUInt16LE(0, 60);
    bytes.writeUInt16LE(0xffff, 62);
    writeFileSync(`${path}.many`, bytes);
    const main = nm(path).find(({ name }) => name === 'main')?.start ?? 0;
    expect(open().symbolAt(`${path}.many`, main, ANY)?.name).toBe('main');
    expect(new ElfFile(`${path}.many`).section('.text')).toBeDefined();
  });

  it('cut anywhere never throws', () => {
    const path = build('program');
    const size = readFileSync(path).length;
    const main = nm(path).find(({ name }) => name === 'main')?.start ?? 0;
    const copy = `${path}.cut`;
    let named = 0;
    for (let length = size; length >= 0; length -= 97) {
      copyFileSync(path, copy);
      truncateSync(copy, length);
      const symbols = new ElfSymbols();
      const hit = symbols.symbolAt(copy, main, ANY);
      symbols.close();
      if (hit) named++;
      expect(hit?.name ?? 'main').toBe('main');
    }
    expect(named).toBeGreaterThan(0);
    expect(named).toBeLessThan(size / 97);
  });

  it('with any one byte of its headers damaged never throws', () => {
    const path = build('program');
    const original = readFileSync(path);
    const copy = `${path}.damaged`;
    const sectionHeaders = Number(original.readBigUInt64LE(40));
    const places = [...Array(64).keys(), ...Array(original.length - sectionHeaders).keys()].map(
      (at, i) => (i < 64 ? at : sectionHeaders + at),
    );
    for (const [i, at] of places.entries()) {
      const bytes = Buffer.from(original);
      bytes[at] = [0x00, 0xff, 0x80][i % 3] ?? 0;
      writeFileSync(copy, bytes);
      const symbols = new ElfSymbols({ debugRoots: [] });
      for (let address = 0x1000; address < 0x2000; address += 0x111) {
        symbols.symbolAt(copy, address, ANY);
      }
      symbols.close();
    }
  });
});

describe('symbols', () => {
  const namesIn = (path: string) => {
    const starts = new Map(nm(path).map(({ name, start }) => [name, start]));
    const unsized = run('nm', path).matchAll(/^([0-9a-f]+) T (unsized_\w+|inner_label)$/gm);
    for (const [, start, name] of unsized) starts.set(name ?? '', Number(`0x${start}`));
    const symbols = open();
    return (name: string, plus: number) =>
      symbols.symbolAt(path, (starts.get(name) ?? 0) + plus, ANY);
  };

  it('without a size end where the next begins', () => {
    const at = namesIn(build('program'));
    expect(at('unsized_one', 2)).toEqual({ name: 'unsized_one', size: 3, offsetInSymbol: 2 });
    expect(at('unsized_one', 3)).toEqual({ name: 'unsized_two', size: 4, offsetInSymbol: 0 });
  });

  it('that are labels inside a function do not hide it', () => {
    const at = namesIn(build('program'));
    expect(at('inner_label', 1)).toEqual({ name: 'sized', size: 3, offsetInSymbol: 2 });
  });

  it('that enclose others are found before and after them', () => {
    const at = namesIn(build('program'));
    const nested = [0, 1, 2, 3].map((plus) => at('nested_outer', plus)?.name);
    expect(nested).toEqual(['nested_outer', 'nested_inner', 'nested_outer', 'nested_outer']);
  });

  it('that are chosen at load time have a name', () => {
    const at = namesIn(build('program'));
    expect(at('Indirect', 0)?.name).toBe('Indirect');
  });

  it('stay mangled without a demangler', () => {
    const path = build('program');
    const start = nm(path).find(({ name }) => name.startsWith('_ZN6shapes6Report'))?.start ?? 0;
    expect(open({}).symbolAt(path, start, ANY)?.name).toBe('_ZN6shapes6ReportEPKc');
    expect(open().symbolAt(path, start, ANY)?.name).toBe('shapes::Report(char const*)');
  });
});

describe('linkage table entries', () => {
  it.each([[[]], [['-fcf-protection=full', '-Wl,-z,ibtplt']], [['-Wl,-z,now']], [['-no-pie']]])(
    'have the names that objdump gives them, built with %j',
    (flags) => {
      const path = build('program', ...flags);
      const listing = run('objdump', '-d', path);
      const symbols = open();
      let compared = 0;
      for (const [, start, name] of listing.matchAll(/^([0-9a-f]+) <(\w+@plt)>:$/gm)) {
        expect(symbols.symbolAt(path, Number(`0x${start}`) + 4, ANY)?.name).toBe(name);
        compared++;
      }
      expect(compared).toBeGreaterThan(2);
    },
  );

  it('of arm64 are decoded', () => {
    // adrp x16, 430000; ldr x17, [x16, #24]; add; br.
    const words = [0x90000110, 0xf9400e11, 0x91006210, 0xd61f0220];
    const code = (...list: number[]) => new DataView(Uint32Array.from(list).buffer);
    expect(slotOf(183, code(...words), 0x410590)).toBe(0x430018);
    // adrp x16 of the page before.
    expect(slotOf(183, code(0xf0fffff0, ...words.slice(1)), 0x410590)).toBe(0x40f018);
    expect(slotOf(183, code(0xa9bf7bf0, ...words), 0x410590)).toBeNull();
  });
});
