// SPDX-License-Identifier: MIT
// The checksum that `.gnu_debuglink` has of a debug file. Node.js has it (zlib.crc32) since 22.2.
import type { ElfFile } from './elf-file.js';

const CHUNK_BYTES = 1 << 20;
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++)
    value = (value & 1) !== 0 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

export function crc32(file: ElfFile): number {
  let crc = 0xffffffff;
  for (let at = 0; at < file.size; at += CHUNK_BYTES) {
    const chunk = file.read(at, Math.min(CHUNK_BYTES, file.size - at));
    const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    for (let i = 0; i < bytes.length; i++) {
      crc = (TABLE[(crc ^ (bytes[i] as number)) & 255] as number) ^ (crc >>> 8);
    }
  }
  return (crc ^ 0xffffffff) >>> 0;
}
