// SPDX-License-Identifier: MIT
// What a reader of a report sees of one stack frame.

export type FrameKind = 'js' | 'native' | 'builtin' | 'wasm' | 'label' | 'gc' | 'process';

/** Whose code a frame is; reports colour and filter by it. */
export type FrameCategory = 'app' | 'dependency' | 'node' | 'native' | 'v8';

export const FRAME_CATEGORIES: readonly FrameCategory[] = [
  'app',
  'dependency',
  'node',
  'native',
  'v8',
];

export interface Frame {
  readonly kind: FrameKind;
  /** Function name, `(anonymous)`, a label, or `module+0xoffset` for a native frame without a symbol. */
  readonly name: string;
  /** Path, `node:…` specifier or module path; empty when unknown. */
  readonly file: string;
  /** 1-based; 0 when unknown. */
  readonly line: number;
  /** 1-based; 0 when unknown, or when calls from several columns of the line are shown as one. */
  readonly column: number;
  /** `name@version` of the package that the file belongs to, or empty. */
  readonly package: string;
  /** Of a native frame: path of the shared library, addon or program that it is in; else empty. */
  readonly module: string;
}

/** With the text of its line, where a report shows that. */
export interface SourcedFrame extends Frame {
  readonly source?: string;
}

export const ROOT_FRAME: Frame = {
  kind: 'label',
  name: 'everything',
  file: '',
  line: 0,
  column: 0,
  package: '',
  module: '',
};

/** After the name of a native function that the compiler put into its caller. */
export const INLINED = ' (inlined)';

export const isNodeInternal = (file: string): boolean => file.startsWith('node:');

const V8_SYMBOL = /^(?:[\w<>*& ]+ )?(?:v8|cppgc|heap::base)::|^(?:Builtins_|v8dbg_)/;

export function frameCategory(frame: Frame): FrameCategory {
  switch (frame.kind) {
    case 'gc':
    case 'builtin':
      return 'v8';
    case 'label':
    case 'process':
      return 'native';
    case 'native':
      return V8_SYMBOL.test(frame.name) ? 'v8' : 'native';
    default:
      if (isNodeInternal(frame.file)) return 'node';
      return /[\\/]node_modules[\\/]/.test(frame.file) ? 'dependency' : 'app';
  }
}

/** `function (file:line)`, the one spelling of a place in every report. */
export function frameText(frame: Frame): string {
  const place = placeText(frame);
  return place === '' ? frame.name : `${frame.name} (${place})`;
}

/** Where a native function is, unless its place says so already: without debug information that is its module. */
export function moduleText({ module, file }: Frame): string {
  return module === file ? '' : module;
}

export function placeText(frame: Frame): string {
  if (frame.line === 0) return frame.file;
  return `${frame.file}:${frame.line}`;
}
