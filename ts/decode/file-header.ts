// SPDX-License-Identifier: MIT
// docs/format.md §2.

import {
  FILE_HEADER_BYTES,
  HEADER_FLAG_FINALIZED,
  HEADER_OFFSET,
  MAGIC,
  MAX_FILE_HEADER_BYTES,
  VERSION_MAJOR,
  VERSION_MINOR,
} from '../format/constants.js';
import type { FileHeader } from '../format/records.js';
import { crc32c } from './crc32c.js';
import { FormatError } from './format-error.js';

/** F-4, F-5. `bytes` holds at least the start of the file. */
export function parseFileHeader(bytes: Uint8Array): FileHeader {
  const magicLength = Math.min(MAGIC.length, bytes.length);
  if (bytes.length === 0) throw notACapture('the file is empty');
  if (MAGIC.slice(0, magicLength).some((byte, i) => byte !== bytes[i])) {
    throw notACapture('it does not start as one');
  }
  if (bytes.length < FILE_HEADER_BYTES) {
    throw notACapture(`it ends after ${bytes.length} bytes, within the header`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, FILE_HEADER_BYTES);
  const versionMajor = view.getUint16(HEADER_OFFSET.version_major, true);
  const versionMinor = view.getUint16(HEADER_OFFSET.version_minor, true);
  if (view.getUint32(HEADER_OFFSET.crc, true) !== crc32c(bytes, 0, HEADER_OFFSET.crc)) {
    throw notACapture('its header is damaged');
  }
  if (versionMajor !== VERSION_MAJOR) {
    const message = `capture version ${versionMajor}.${versionMinor} needs another memtape: this one reads ${VERSION_MAJOR}.${VERSION_MINOR}`;
    throw new FormatError(message, HEADER_OFFSET.version_major, '§2');
  }
  const headerBytes = view.getUint32(HEADER_OFFSET.header_bytes, true);
  if (headerBytes < FILE_HEADER_BYTES || headerBytes > MAX_FILE_HEADER_BYTES) {
    throw notACapture(`a header of ${headerBytes} bytes`, HEADER_OFFSET.header_bytes);
  }
  return {
    versionMajor,
    versionMinor,
    headerBytes,
    captureId: view.getBigUint64(HEADER_OFFSET.capture_id, true),
    pid: Number(view.getBigUint64(HEADER_OFFSET.pid, true)),
    startUnixNs: view.getBigUint64(HEADER_OFFSET.start_unix_ns, true),
    finalized: (view.getUint32(HEADER_OFFSET.flags, true) & HEADER_FLAG_FINALIZED) !== 0,
  };
}

const notACapture = (why: string, offset = 0): FormatError =>
  new FormatError(`not a memtape capture: ${why}`, offset, '§2');
