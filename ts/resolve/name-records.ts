// SPDX-License-Identifier: MIT
// Names as records (docs/format.md §5).

import type { Tables } from '../decode/tables.js';
import type { RecordEncoder } from '../format/encode.js';
import type { BlockBuilder } from './block-builder.js';
import type { NameRecord } from './embed.js';

export function writeNames(
  builder: BlockBuilder,
  tables: Tables,
  names: readonly NameRecord[],
): void {
  const strings = new Map<string, number>([['', 0]]);
  for (let id = 1; id < tables.next.string; id++) strings.set(tables.string(id), id);
  const { encoder } = builder;
  const idOf = (text: string): number => {
    const known = strings.get(text);
    if (known !== undefined) return known;
    const id = encoder.string(text);
    strings.set(text, id);
    return id;
  };
  for (const name of names) {
    writeName(encoder, name, idOf);
    builder.settle();
  }
}

function writeName(encoder: RecordEncoder, name: NameRecord, idOf: (text: string) => number): void {
  if (name.type === 'symbol') {
    const { module, offset, symbol } = name;
    const { line, inlined } = symbol;
    const texts = { function: idOf(symbol.function), file: idOf(symbol.file) };
    encoder.symbol({ module, offset, ...texts, line, inlined });
  } else if (name.type === 'origin') {
    const { functionName, file, line, column } = name.origin;
    const texts = { functionName: idOf(functionName), file: idOf(file) };
    encoder.origin({ frame: name.frame, ...texts, line, column });
  } else {
    encoder.package(idOf(name.file), name.package.name, name.package.version);
  }
}
