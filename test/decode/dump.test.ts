// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { dumpCapture, textLine } from '../../ts/decode/dump.js';
import { block, capture, payload } from './capture-bytes.js';

const golden = (name: string): string => new URL(`../golden/${name}.bin`, import.meta.url).pathname;

async function json(source: string): Promise<Record<string, unknown>[]> {
  let out = '';
  await dumpCapture(
    source,
    (lines) => {
      out += lines;
      return undefined;
    },
    { format: 'json' },
  );
  return out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

it('JSON lines hold plain numbers', async () => {
  const records = await json(golden('alloc-free'));
  expect(records[0]).toMatchObject({ type: 'capture', version: '1.0', pid: 4242 });
  expect(records.find((record) => record['type'] === 'alloc')).toEqual({
    type: 'alloc',
    id: 1,
    address: 0x10000,
    size: 100,
    allocator: 'malloc',
    stack: 1,
    thread: 0,
  });
  expect(records.at(-2)).toMatchObject({ type: 'end', truncated: true });
});

it('both forms have the same records', async () => {
  const records = await json(golden('definitions'));
  let text = '';
  await dumpCapture(golden('definitions'), (lines) => {
    text += lines;
    return undefined;
  });
  const types = text
    .trim()
    .split('\n')
    .map((line) => line.split(' ')[0]);
  expect(records.map((record) => record['type'])).toEqual(types);
});

describe('text', () => {
  it.each([
    [{ type: 'free', id: 1, address: 4096 }, 'free id=1 address=0x1000'],
    [{ type: 'block', offset: 64 }, 'block offset=64'],
    [{ type: 'string', text: 'two words' }, 'string text="two words"'],
    [{ type: 'string', text: '' }, 'string text=""'],
    [{ type: 'string', text: 'a\nb=c' }, 'string text="a\\nb=c"'],
    [{ type: 'gc', phase: 'start' }, 'gc phase=start'],
    [
      { type: 'x', list: [{ a: 1 }], flag: true, none: null },
      'x list=[{"a":1}] flag=true none=null',
    ],
  ])('%j', (record, line) => {
    expect(textLine(record)).toBe(line);
  });
});

it('waits for its reader', async () => {
  const events = payload(Array(3000).fill(0x03));
  const source = capture(...Array.from({ length: 20 }, () => block(events)));
  let waiting = 0;
  let most = 0;
  let lines = 0;
  await dumpCapture(source, async (text) => {
    most = Math.max(most, ++waiting);
    lines += text.split('\n').length - 1;
    await new Promise((resolve) => setTimeout(resolve, 1));
    waiting--;
  });
  expect(most).toBe(1);
  expect(lines).toBe(20 * 3001 + 3);
});
