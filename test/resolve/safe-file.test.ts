// SPDX-License-Identifier: MIT
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { SafeFile } from '../../ts/resolve/safe-file.js';
import { temporaryFolder } from '../support/folder.js';

function target(): string {
  const path = join(temporaryFolder(), 'file');
  writeFileSync(path, 'old');
  return path;
}

it('replaces the target only when it is committed', async () => {
  const path = target();
  const file = await SafeFile.create(path, 0o600);
  await file.write(Buffer.from('ne'));
  await file.write(Buffer.from('w'));
  expect(file.size).toBe(3);
  expect(readFileSync(path, 'utf8')).toBe('old');
  await file.commit();
  expect(readFileSync(path, 'utf8')).toBe('new');
  expect(readdirSync(dirname(path))).toEqual(['file']);
});

it('leaves nothing behind when it is discarded', async () => {
  const path = target();
  const file = await SafeFile.create(path, 0o600);
  await file.write(Buffer.from('half'));
  await file.discard();
  expect(readdirSync(dirname(path))).toEqual(['file']);
  expect(readFileSync(path, 'utf8')).toBe('old');
});

it('lets two of one process be at work', async () => {
  const path = target();
  const first = await SafeFile.create(path, 0o600);
  const second = await SafeFile.create(path, 0o600);
  await first.write(Buffer.from('first'));
  await first.commit();
  expect(readFileSync(path, 'utf8')).toBe('first');
  await second.discard();
  expect(readdirSync(dirname(path))).toEqual(['file']);
});
