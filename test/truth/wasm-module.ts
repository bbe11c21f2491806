// SPDX-License-Identifier: MIT
// WebAssembly modules, byte by byte.

type Bytes = readonly number[];

const I32 = 0x7f;
const [CALL, IF, ELSE, END, DROP, LOCAL_GET, I32_CONST, I32_SUB, MEMORY_GROW] = [
  0x10, 0x04, 0x05, 0x0b, 0x1a, 0x20, 0x41, 0x6b, 0x40,
];
const NO_RESULT = 0x40;

function unsigned(value: number): Bytes {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)];
}

/** Signed, of a number that is not negative. */
function constant(value: number): Bytes {
  const rest = (at: number): Bytes => (at < 64 ? [at] : [(at & 127) | 128, ...rest(at >>> 7)]);
  return [I32_CONST, ...rest(value)];
}

const sized = (bytes: Bytes): Bytes => [...unsigned(bytes.length), ...bytes];
const text = (value: string): Bytes => sized([...Buffer.from(value)]);
const list = (items: readonly Bytes[]): Bytes => [...unsigned(items.length), ...items.flat()];
const section = (id: number, bytes: Bytes): Bytes => [id, ...sized(bytes)];
const body = (...code: readonly Bytes[]): Bytes => sized([0, ...code.flat(), END]);

const [TAKES_I32, TAKES_NOTHING] = [0, 1];
const [ALLOCATE, RASTERIZE, DRAW, NAMELESS] = [0, 1, 2, 3];

export const GROWN_PAGES = 37;

/** What fixtures/wasm.cjs runs. Its name section leaves one function out. */
export const wasmModule = Uint8Array.from([
  ...[0, ...Buffer.from('asm'), 1, 0, 0, 0],
  ...section(
    1,
    list([
      [0x60, 1, I32, 0],
      [0x60, 0, 0],
    ]),
  ),
  ...section(2, list([[...text('env'), ...text('allocate'), 0, TAKES_I32]])),
  ...section(3, list([[TAKES_NOTHING], [TAKES_I32], [TAKES_NOTHING]])),
  ...section(5, list([[0, 1]])),
  ...section(
    7,
    list([
      [...text('rasterize'), 0, RASTERIZE],
      [...text('draw'), 0, DRAW],
      [...text('nameless'), 0, NAMELESS],
    ]),
  ),
  ...section(
    10,
    list([
      body(constant(GROWN_PAGES), [MEMORY_GROW, 0, DROP], constant(5_000_011), [CALL, DRAW]),
      body([LOCAL_GET, 0, IF, NO_RESULT, LOCAL_GET, 0, CALL, ALLOCATE, END]),
      body(constant(6_000_013), [CALL, ALLOCATE]),
    ]),
  ),
  ...section(0, [
    ...text('name'),
    ...section(
      1,
      list([
        [RASTERIZE, ...text('raster::rasterize')],
        [DRAW, ...text('raster::Line<a-b>::draw(int)')],
      ]),
    ),
  ]),
]);

/** Exports run(n), which calls itself until n is 0, and then env.call(). */
export const recursiveWasmModule = Uint8Array.from([
  ...[0, ...Buffer.from('asm'), 1, 0, 0, 0],
  ...section(
    1,
    list([
      [0x60, 0, 0],
      [0x60, 1, I32, 0],
    ]),
  ),
  ...section(2, list([[...text('env'), ...text('call'), 0, 0]])),
  ...section(3, list([[1]])),
  ...section(7, list([[...text('run'), 0, 1]])),
  ...section(
    10,
    list([
      body(
        [LOCAL_GET, 0, IF, NO_RESULT],
        [LOCAL_GET, 0, ...constant(1), I32_SUB, CALL, 1],
        [ELSE, CALL, 0, END],
      ),
    ]),
  ),
]);
