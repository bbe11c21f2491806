// SPDX-License-Identifier: MIT
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { variables } from '../../ts/tracker/environment.js';
import { temporaryFolder } from '../support/folder.js';
import { cli, finish, memtape } from '../support/memtape.js';

test('prints every variable, absolute', () => {
  const cwd = temporaryFolder();
  const { stdout } = memtape(['env', '--json', '--interval', '50', '--follow'], { cwd });
  const environment = JSON.parse(stdout);
  expect(Object.keys(environment)).toEqual(['LD_PRELOAD', ...variables.map(({ name }) => name)]);
  expect(environment).toMatchObject({
    MEMTAPE_OUTPUT: join(cwd, 'memtape.%p.bin'),
    MEMTAPE_INTERVAL: '50',
    MEMTAPE_NATIVE: '0',
    MEMTAPE_FOLLOW: '1',
  });
  expect(existsSync(environment.LD_PRELOAD)).toBe(true);
  expect(existsSync(environment.MEMTAPE_ADDON)).toBe(true);
});

test('records what a shell starts with it, JavaScript stacks included', () => {
  const cwd = temporaryFolder();
  const script = `
    eval "$('${process.execPath}' '${cli}' env -o "it's %p.bin")"
    '${process.execPath}' -e 'function grow() { return Buffer.alloc(5000000) } globalThis.x = grow(); console.log(process.pid)'`;
  const { status, stdout, stderr } = finish('sh', ['-c', script], { cwd });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const name = `it's ${stdout.trim()}.bin`;
  expect(readdirSync(cwd)).toContain(name);
  const { rows } = JSON.parse(memtape(['summary', '--json', name], { cwd }).stdout);
  const grow = rows.find((row: { function: string }) => row.function === 'grow');
  expect(grow?.total_bytes).toBeGreaterThanOrEqual(5_000_000);
});

test('needs no more than the output and the preload library', () => {
  const cwd = temporaryFolder();
  const { LD_PRELOAD } = JSON.parse(memtape(['env', '--json'], { cwd }).stdout);
  const code = 'function grow() { return Buffer.alloc(5000000) } globalThis.x = grow()';
  finish(process.execPath, ['-e', code], { cwd, env: { LD_PRELOAD, MEMTAPE_OUTPUT: 'out.bin' } });
  const { rows } = JSON.parse(memtape(['summary', '--json', 'out.bin'], { cwd }).stdout);
  expect(rows.map((row: { function: string }) => row.function)).toContain('grow');
});
