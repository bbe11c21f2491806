// SPDX-License-Identifier: MIT
// Names as records (docs/format.md §5).

import type { Tables } from '../decode/tables.js';
import type { RecordEncoder } from '../format/encode.js';
import type { BlockBuilder } from './block-builder.js';
import type { NameRecord } from './embed.js';
import type { LineRecord } from './embedded-lines.js';

export class NameWriter {
  readonly #builder: BlockBuilder;
  readonly #encoder: RecordEncoder;
  readonly #strings = new Map<string, number>([['', 0]]);

  /** The tables know the strings that the capture has. */
  constructor(builder: BlockBuilder, tables: Tables) {
    this.#builder = builder;
    this.#encoder = builder.encoder;
    for (let id = 1; id < tables.next.string; id++) this.#strings.set(tables.string(id), id);
  }

  names(names: readonly NameRecord[]): void {
    for (const name of names) {
      this.#name(name);
      this.#builder.settle();
    }
  }

  lines(lines: readonly LineRecord[]): void {
    for (const { file, line, column, text } of lines) {
      this.#encoder.sourceLine(this.#id(file), line, column, text);
      this.#builder.settle();
    }
  }

  #name(name: NameRecord): void {
    if (name.type === 'symbol') {
      const { module, offset, symbol } = name;
      const { line, inlined } = symbol;
      const texts = { function: this.#id(symbol.function), file: this.#id(symbol.file) };
      this.#encoder.symbol({ module, offset, ...texts, line, inlined });
    } else if (name.type === 'origin') {
      const { functionName, file, line, column } = name.origin;
      const texts = { functionName: this.#id(functionName), file: this.#id(file) };
      this.#encoder.origin({ frame: name.frame, ...texts, line, column });
    } else {
      this.#encoder.package(this.#id(name.file), name.package.name, name.package.version);
    }
  }

  #id(text: string): number {
    const known = this.#strings.get(text);
    if (known !== undefined) return known;
    const id = this.#encoder.string(text);
    this.#strings.set(text, id);
    return id;
  }
}
