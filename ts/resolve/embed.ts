// SPDX-License-Identifier: MIT
// Looks up every name that a capture's frames need, so that it can be read where the program's
// files are not.

import type { Tables } from '../decode/tables.js';
import type {
  FrameInfo,
  FunctionInfo,
  OriginInfo,
  PackageInfo,
  SymbolInfo,
} from '../format/records.js';
import type { ModuleId, NativeSymbolizer } from './native.js';
import type { Packages } from './packages.js';
import type { SourceMaps } from './source-maps.js';

export type NameRecord =
  | {
      readonly type: 'symbol';
      readonly module: number;
      readonly offset: number;
      readonly symbol: SymbolInfo;
    }
  | { readonly type: 'origin'; readonly frame: number; readonly origin: OriginInfo }
  | { readonly type: 'package'; readonly file: string; readonly package: PackageInfo };

export interface Resolvers {
  readonly native: NativeSymbolizer;
  readonly maps: Pick<SourceMaps, 'originalPosition' | 'functionName'>;
  readonly packages: Pick<Packages, 'packageOf'>;
}

type CodeFrame = Extract<FrameInfo, { readonly line: number }>;

/** A frame of JavaScript with its function, which many frames share. */
interface Call {
  readonly id: number;
  readonly frame: CodeFrame;
  readonly callee: Callee;
}

interface Callee {
  readonly info: FunctionInfo;
  /** Looked up when the first frame needs it. */
  originalName: string | null;
}

interface Places {
  /** Offsets of native frames, by module. */
  readonly offsets: Map<number, Set<number>>;
  /** By the file of the function: each map is loaded once. */
  readonly calls: Map<string, Call[]>;
  readonly callees: Map<number, Callee | null>;
  readonly files: Set<string>;
}

/** The names that the capture does not have yet. */
export function lookUpNames(tables: Tables, resolvers: Resolvers): NameRecord[] {
  const places = collectPlaces(tables);
  const names: NameRecord[] = [];
  for (const [module, offsets] of places.offsets) {
    for (const name of nativeNames(tables, module, [...offsets], resolvers.native)) {
      names.push(name);
    }
  }
  for (const [file, calls] of places.calls) {
    // In the order of the file, the next segment of its map is near the last.
    calls.sort((a, b) => a.frame.line - b.frame.line || a.frame.column - b.frame.column);
    for (const call of calls) {
      const origin = originOf(file, call, resolvers.maps);
      if (!origin) continue;
      names.push({ type: 'origin', frame: call.id, origin });
      places.files.add(origin.file);
    }
  }
  for (const file of places.files) {
    if (tables.packages.has(file)) continue;
    const owner = resolvers.packages.packageOf(file);
    if (owner) names.push({ type: 'package', file, package: owner });
  }
  return names;
}

/** The modules whose native frames have no names yet. */
export function unnamedModules(tables: Tables): ModuleId[] {
  const modules: ModuleId[] = [];
  for (const number of collectPlaces(tables).offsets.keys()) {
    const info = tables.module(number);
    if (info) modules.push({ path: info.path, buildId: info.buildId });
  }
  return modules;
}

/** Makes the names known without writing them: for captures that cannot be written. */
export function applyNames(tables: Tables, names: readonly NameRecord[]): void {
  for (const name of names) {
    if (name.type === 'symbol') tables.addSymbol(name.module, name.offset, name.symbol);
    else if (name.type === 'origin') tables.origins.set(name.frame, name.origin);
    else tables.packages.set(name.file, name.package);
  }
}

function collectPlaces(tables: Tables): Places {
  const places: Places = {
    offsets: new Map(),
    calls: new Map(),
    callees: new Map(),
    files: new Set(),
  };
  for (let id = 1; id < tables.frameCount; id++) {
    const frame = tables.frame(id);
    if (!frame) continue;
    if (frame.kind === 'native') addNative(tables, frame.module, frame.offset, places);
    else if (isJs(frame)) addCall(tables, id, frame, places);
  }
  return places;
}

function addNative(tables: Tables, module: number, offset: number, places: Places): void {
  const path = tables.module(module)?.path ?? '';
  if (path === '') return;
  // A library of the system lies in nobody's package, whatever package.json is above it.
  if (path.endsWith('.node') || path.includes('/node_modules/')) places.files.add(path);
  if (tables.symbols(module, offset).length > 0) return;
  const offsets = places.offsets.get(module);
  if (offsets) offsets.add(offset);
  else places.offsets.set(module, new Set([offset]));
}

function addCall(tables: Tables, id: number, frame: CodeFrame, places: Places): void {
  const callee = calleeOf(tables, frame.function, places);
  if (!callee) return;
  const { file } = callee.info;
  places.files.add(file);
  if (tables.origins.has(id)) return;
  const calls = places.calls.get(file);
  if (calls) calls.push({ id, frame, callee });
  else places.calls.set(file, [{ id, frame, callee }]);
}

/** null for a function without a file: nothing can be looked up. */
function calleeOf(tables: Tables, id: number, { callees }: Places): Callee | null {
  const known = callees.get(id);
  if (known !== undefined) return known;
  const info = tables.function(id);
  const callee = info && info.file !== '' ? { info, originalName: null } : null;
  callees.set(id, callee);
  return callee;
}

function isJs(frame: FrameInfo): frame is CodeFrame {
  return 'line' in frame && frame.kind !== 'wasm';
}

function nativeNames(
  tables: Tables,
  module: number,
  offsets: readonly number[],
  native: NativeSymbolizer,
): NameRecord[] {
  const info = tables.module(module);
  if (!info) return [];
  const id = { path: info.path, buildId: info.buildId };
  // The recorded offset is where the call returns to, which may be in the next function already.
  const locations = native.locate(
    id,
    offsets.map((offset) => Math.max(0, offset - 1)),
  );
  const names: NameRecord[] = [];
  for (const [i, inlined] of locations.entries()) {
    for (const [depth, { name, file, line }] of inlined.entries()) {
      const symbol = { function: name, file, line, inlined: depth };
      names.push({ type: 'symbol', module, offset: offsets[i] ?? 0, symbol });
    }
  }
  return names;
}

function originOf(
  file: string,
  { frame, callee }: Call,
  maps: Resolvers['maps'],
): OriginInfo | null {
  const { info } = callee;
  // Without a position of the call, that of the function is the best there is.
  const place = frame.line > 0 ? frame : info;
  const original = maps.originalPosition(file, place.line, place.column);
  if (!original) return null;
  callee.originalName ??= maps.functionName(file, info.line, info.column, info.name) ?? info.name;
  return { functionName: callee.originalName, ...original };
}
