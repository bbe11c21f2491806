// SPDX-License-Identifier: MIT
// Makes tables and a capture's end by hand, so that tests can say "this stack allocated that".

import { newCounts } from '../../ts/decode/counts.js';
import type { CaptureEnd } from '../../ts/decode/read-capture.js';
import { Tables } from '../../ts/decode/tables.js';
import { FRAME_KIND } from '../../ts/format/constants.js';
import { parseMetadata, parseTrailer } from '../../ts/format/metadata.js';

type ScriptKind = 'interpreted' | 'baseline' | 'maglev' | 'turbofan' | 'wasm';

export class CaptureBuilder {
  readonly tables = new Tables();
  readonly #strings = new Map<string, number>();
  readonly #nodes = new Map<string, number>();
  readonly #modules = new Map<string, number>();

  text(value: string): number {
    if (value === '') return 0;
    let id = this.#strings.get(value);
    if (id === undefined) {
      id = this.tables.addString(value);
      this.#strings.set(value, id);
    }
    return id;
  }

  js(
    name: string,
    file: string,
    line: number,
    kind: ScriptKind = 'interpreted',
    column = 1,
  ): number {
    const called = this.tables.addFunction([this.text(name), this.text(file), 1, 1, 1]);
    return this.tables.addFrame(FRAME_KIND[kind], called, 0, line, column);
  }

  builtin(name: string): number {
    const called = this.tables.addFunction([this.text(name), 0, 0, 0, 0]);
    return this.tables.addFrame(FRAME_KIND.builtin, called, 0, 0, 0);
  }

  label(name: string): number {
    return this.tables.addFrame(FRAME_KIND.label, this.text(name), 0, 0, 0);
  }

  /** `names` are the functions at this address, outermost first. */
  native(path: string, offset: number, ...names: string[]): number {
    const module = this.#module(path);
    for (const [inlined, name] of names.entries()) {
      this.tables.addSymbol(module, offset, { function: name, file: '', line: 0, inlined });
    }
    return this.tables.addFrame(FRAME_KIND.native, module, offset, 0, 0);
  }

  /** Frames leaf first, as docs/format.md F-12 has them. */
  stack(frames: readonly number[], flags = 0): number {
    let node = 0;
    for (const frame of [...frames].reverse()) {
      const key = `${node} ${frame}`;
      const known = this.#nodes.get(key);
      node = known ?? this.tables.addNode(node, frame);
      this.#nodes.set(key, node);
    }
    return this.tables.addStack(node, flags);
  }

  package(file: string, name: string, version: string): void {
    this.tables.packages.set(file, { name, version });
  }

  end(
    change: { metadata?: object; trailer?: object | null; bytesDropped?: number } = {},
  ): CaptureEnd {
    const trailer = change.trailer === undefined ? { end: 'exit' } : change.trailer;
    return {
      header: {
        versionMajor: 1,
        versionMinor: 0,
        captureId: 1n,
        pid: 4242,
        startUnixNs: 1_760_000_000_000_000_000n,
        finalized: true,
        headerBytes: 64,
      },
      metadata: parseMetadata({ ...change.metadata }),
      trailer: trailer === null ? null : parseTrailer({ ...trailer }),
      truncated: trailer === null,
      bytesRead: 1000,
      bytesDropped: change.bytesDropped ?? 0,
      blocksDropped: 0,
      counts: newCounts(),
      tables: this.tables,
      endTimeNs: 2_000_000_000,
      ringsRecovered: null,
    };
  }

  #module(path: string): number {
    let module = this.#modules.get(path);
    if (module === undefined) {
      module = this.#modules.size + 1;
      this.#modules.set(path, module);
      const range = { base: 0, end: 0, bias: 0 };
      this.tables.setModule({ module, path, buildId: '', ...range }, true, 0);
    }
    return module;
  }
}
