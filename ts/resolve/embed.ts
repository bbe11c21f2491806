// SPDX-License-Identifier: MIT
// Looks up every name that a capture's frames need, so that it can be read where the program's
// files are not.

import type { Tables } from '../decode/tables.js';
import type { FrameInfo, OriginInfo, PackageInfo, SymbolInfo } from '../format/records.js';
import type { NativeSymbolizer } from './native.js';
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

interface Places {
  /** Offsets of native frames, by module. */
  readonly offsets: Map<number, Set<number>>;
  /** JavaScript frames, by the file of their function: each map is loaded once. */
  readonly frames: Map<string, { readonly id: number; readonly frame: CodeFrame }[]>;
  readonly files: Set<string>;
}

/** The names that the capture does not have yet. */
export function lookUpNames(tables: Tables, resolvers: Resolvers): NameRecord[] {
  const places = collectPlaces(tables);
  const names: NameRecord[] = [];
  for (const [module, offsets] of places.offsets) {
    names.push(...nativeNames(tables, module, [...offsets], resolvers.native));
  }
  for (const [file, frames] of places.frames) {
    for (const { id, frame } of frames) {
      const origin = originOf(tables, file, frame, resolvers.maps);
      if (!origin) continue;
      names.push({ type: 'origin', frame: id, origin });
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

/** Makes the names known without writing them: for captures that cannot be written. */
export function applyNames(tables: Tables, names: readonly NameRecord[]): void {
  for (const name of names) {
    if (name.type === 'symbol') tables.addSymbol(name.module, name.offset, name.symbol);
    else if (name.type === 'origin') tables.origins.set(name.frame, name.origin);
    else tables.packages.set(name.file, name.package);
  }
}

function collectPlaces(tables: Tables): Places {
  const places: Places = { offsets: new Map(), frames: new Map(), files: new Set() };
  for (let id = 1; id < tables.frameCount; id++) {
    const frame = tables.frame(id);
    if (!frame) continue;
    if (frame.kind === 'native') addNative(tables, frame.module, frame.offset, places);
    else if (isJs(frame)) addJs(tables, id, frame, places);
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

function addJs(tables: Tables, id: number, frame: CodeFrame, places: Places): void {
  const file = tables.function(frame.function)?.file ?? '';
  if (file === '') return;
  places.files.add(file);
  if (tables.origins.has(id)) return;
  const frames = places.frames.get(file);
  if (frames) frames.push({ id, frame });
  else places.frames.set(file, [{ id, frame }]);
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
  tables: Tables,
  file: string,
  frame: CodeFrame,
  maps: Resolvers['maps'],
): OriginInfo | null {
  // Without a position of the call, that of the function is the best there is.
  const info = tables.function(frame.function);
  if (!info) return null;
  const place = frame.line > 0 ? frame : info;
  const original = maps.originalPosition(file, place.line, place.column);
  if (!original) return null;
  const name = maps.functionName(file, info.line, info.column, info.name) ?? info.name;
  return { functionName: name, ...original };
}
