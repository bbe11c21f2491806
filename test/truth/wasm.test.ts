// SPDX-License-Identifier: MIT
// WebAssembly functions are in the stacks, by the names that their module gives them.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { MEMORY_CLASS } from '../../ts/format/constants.js';
import { temporaryFolder } from '../support/folder.js';
import { nodes } from '../support/nodes.js';
import { type Recording, readRecording, record } from '../support/recording.js';
import { GROWN_PAGES, wasmModule } from './wasm-module.js';

const fixture = fileURLToPath(new URL('fixtures/wasm.cjs', import.meta.url));
const PAGE_BYTES = 65_536;
const RASTERIZE = 'raster::rasterize';
const DRAW = 'raster::Line<a-b>::draw(int)';
const NAMELESS = 'wasm-function[3]';

/** WebAssembly and the script's own functions, innermost first. */
function calls(recording: Recording, stack: number): string[] {
  return recording
    .frames(stack)
    .filter(({ kind, file }) => kind === 'wasm' || file === fixture)
    .map(({ name }) => name);
}

function callsOfSize(recording: Recording, size: number): string[][] {
  return [...recording.stacksOfSize(size).keys()].map((stack) => calls(recording, stack));
}

describe.each(nodes())('Node.js $version', ({ path }) => {
  test.each([{}, { MEMTAPE_NATIVE: '1' }])('%o', async (settings) => {
    const folder = temporaryFolder();
    const module = join(folder, 'draw.wasm');
    writeFileSync(module, wasmModule);
    const { capture, status, stderr } = record(path, [fixture, module], { folder, settings });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const recording = await readRecording(capture, [5_000_011, 5_000_023, 6_000_013]);
    const top = '(anonymous)';
    expect(callsOfSize(recording, 5_000_011)).toEqual([['allocate', DRAW, RASTERIZE, top]]);
    expect(callsOfSize(recording, 5_000_023)).toEqual([['allocate', DRAW, top]]);
    expect(callsOfSize(recording, 6_000_013)).toEqual([['allocate', NAMELESS, top]]);
    const grown = recording.maps.filter(({ deltas }) =>
      deltas.some(
        (delta) =>
          delta.class === MEMORY_CLASS.committed && delta.bytes === GROWN_PAGES * PAGE_BYTES,
      ),
    );
    expect(grown.map(({ stack }) => calls(recording, stack))).toEqual([[RASTERIZE, top]]);
  });
});
