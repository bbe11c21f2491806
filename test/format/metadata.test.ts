// SPDX-License-Identifier: MIT
import { expect, it } from 'vitest';
import { parseMetadata, parseTrailer } from '../../ts/format/metadata.js';

it('empty objects are enough', () => {
  expect(parseMetadata({})).toEqual({});
  expect(parseTrailer({})).toEqual({});
});

it('fields that it knows are typed, fields that it does not know are kept', () => {
  const metadata = {
    command: ['node', 'a.js'],
    pid: 7,
    startUnixNs: '1700000000123456789',
    clock: 'tsc',
    options: { native: true, intervalMs: 10, later: 'kept' },
    cgroupLimit: null,
    later: { kept: true },
  };
  expect(parseMetadata(metadata)).toEqual(metadata);
});

it.each([
  ['command', 'node a.js'],
  ['command', ['node', 1]],
  ['pid', '7'],
  ['pid', -1],
  ['startUnixNs', 1_700_000_000_123],
  ['startUnixNs', '12.5'],
  ['clock', 'sundial'],
  ['options', 'all'],
  ['cgroupLimit', 'max'],
  ['mode', 'magic'],
])('a wrong %s (%j) is absent, and nothing else', (field, value) => {
  const parsed = parseMetadata({ node: 'v20.0.0', [field]: value });
  expect(parsed[field]).toBeUndefined();
  expect(parsed.node).toBe('v20.0.0');
});

it('a wrong part of exit is absent', () => {
  const parsed = parseTrailer({
    end: 'exit',
    exit: { code: 1.5, signal: 'SIGKILL' },
    peakBytes: 5,
  });
  expect(parsed).toEqual({
    end: 'exit',
    exit: { code: undefined, signal: 'SIGKILL' },
    peakBytes: 5,
  });
});

it('the ways to end are known', () => {
  for (const end of ['stop', 'exit', 'fork', 'error', 'signal', 'killed']) {
    expect(parseTrailer({ end }).end).toBe(end);
  }
  expect(parseTrailer({ end: 'boredom' }).end).toBeUndefined();
});
