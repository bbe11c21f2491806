// SPDX-License-Identifier: MIT
// From a recorded frame to the frames that a reader sees: names, files and lines, source maps applied.

import { fileURLToPath } from 'node:url';
import type { FrameInfo, SymbolInfo } from '../format/records.js';
import { type Frame, type FrameKind, INLINED, ROOT_FRAME } from './frame.js';
import type { FrameSource } from './frame-source.js';

const ANONYMOUS = '(anonymous)';
const GC_LABEL = '(GC)';
/** Node.js makes a new pool for small Buffers: what is in it belongs to many lines, not to the one that came first. */
const BUFFER_POOL = 'createPool (Buffer pool)';

/** Outermost first: an address inside inlined functions stands for several frames. Never empty. */
export function frameNames(source: FrameSource, id: number): Frame[] {
  const info = source.frame(id);
  if (info === null) return [plain('label', '(unknown frame)')];
  switch (info.kind) {
    case 'native':
      return nativeFrames(source, info);
    case 'label':
      return [plain(info.label === GC_LABEL ? 'gc' : 'label', info.label)];
    case 'builtin':
      return [plain('builtin', source.function(info.function)?.name || '(builtin)')];
    default:
      return [scriptFrame(source, id, info)];
  }
}

type ScriptFrameInfo = Extract<FrameInfo, { line: number }>;

function scriptFrame(source: FrameSource, id: number, info: ScriptFrameInfo): Frame {
  const called = source.function(info.function);
  const origin = source.origins.get(id);
  const generated = called?.file ?? '';
  const file = filePath(origin?.file || generated);
  const name = origin?.functionName || called?.name || ANONYMOUS;
  const isPoolRefill = name === 'createPool' && generated === 'node:buffer';
  // A package is known by the file that was loaded; its sources may lie anywhere.
  const owner = source.packages.get(generated) ?? source.packages.get(file);
  return {
    kind: info.kind === 'wasm' ? 'wasm' : 'js',
    name: isPoolRefill ? BUFFER_POOL : name,
    file,
    line: origin?.line ?? info.line,
    column: origin?.column ?? info.column,
    package: owner === undefined ? '' : `${owner.name}@${owner.version}`,
    module: '',
  };
}

function nativeFrames(source: FrameSource, info: Extract<FrameInfo, { kind: 'native' }>): Frame[] {
  const offset = `0x${info.offset.toString(16)}`;
  const path = source.module(info.module)?.path ?? '';
  const symbols = source.symbols(info.module, info.offset);
  if (symbols.length > 0) {
    return symbols.map((symbol) => ({
      ...plain('native', symbolName(symbol, `${baseName(path)}+${offset}`)),
      file: symbol.file || path,
      module: path,
      line: symbol.line,
    }));
  }
  const name = path === '' ? offset : `${baseName(path)}+${offset}`;
  return [{ ...plain('native', name), file: path, module: path }];
}

function symbolName({ function: name, inlined }: SymbolInfo, address: string): string {
  return `${name || address}${inlined > 0 ? INLINED : ''}`;
}

function plain(kind: FrameKind, name: string): Frame {
  return { ...ROOT_FRAME, kind, name };
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Paths read better than file: URLs; whatever is not one stays as it is. */
export function filePath(file: string): string {
  if (!file.startsWith('file://')) return file;
  try {
    return fileURLToPath(file);
  } catch {
    return file;
  }
}
