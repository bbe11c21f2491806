// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { parseFileHeader } from '../../ts/decode/file-header.js';
import { FormatError } from '../../ts/decode/format-error.js';
import { fileHeader } from './capture-bytes.js';

const problem = (bytes: Uint8Array): string => {
  try {
    parseFileHeader(bytes);
  } catch (error) {
    if (error instanceof FormatError && error.section === '§2') return error.message;
    throw error;
  }
  return 'none';
};

describe('F-5: what is not a capture', () => {
  it.each([
    ['nothing', new Uint8Array(0), 'the file is empty'],
    ['a text', Buffer.from('hello'), 'does not start as one'],
    ['a long text', Buffer.alloc(1000, 'x'), 'does not start as one'],
    ['the start of one', fileHeader().subarray(0, 5), 'ends after 5 bytes'],
    ['all but a byte of one', fileHeader().subarray(0, 63), 'ends after 63 bytes'],
  ])('%s', (_name, bytes, message) => {
    expect(problem(bytes)).toContain(message);
  });

  it('a damaged header', () => {
    const bytes = fileHeader();
    bytes[30] = 1;
    expect(problem(bytes)).toContain('header is damaged');
  });

  it.each([0, 63, 4097, 0xffffffff])('a header of %i bytes', (bytes) => {
    const header = fileHeader((view) => view.setUint32(12, bytes, true));
    expect(problem(header)).toContain(`a header of ${bytes} bytes`);
  });
});

describe('F-4: versions', () => {
  it('refuses another major one and names both', () => {
    const message = problem(fileHeader((view) => view.setUint32(8, 0x0003_0002, true)));
    expect(message).toContain('2.3');
    expect(message).toContain('1.0');
  });

  it('reads a later minor one', () => {
    const header = parseFileHeader(fileHeader((view) => view.setUint16(10, 99, true)));
    expect(header.versionMinor).toBe(99);
  });
});

it('keeps 64-bit fields whole', () => {
  const header = parseFileHeader(
    fileHeader((view) => {
      view.setBigUint64(16, 0xffff_ffff_ffff_fffen, true);
      view.setBigUint64(24, 4_194_304n, true);
      view.setBigUint64(32, 1_700_000_000_123_456_789n, true);
      view.setUint32(40, 1, true);
    }),
  );
  expect(header).toMatchObject({
    captureId: 0xffff_ffff_ffff_fffen,
    pid: 4_194_304,
    startUnixNs: 1_700_000_000_123_456_789n,
    finalized: true,
  });
});
