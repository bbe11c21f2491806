// SPDX-License-Identifier: MIT
// A disk that is full, or becomes it while memtape records: the program runs on as it would, and what was recorded before can be read.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { folderOf, temporaryFolder } from '../support/folder.js';
import { memtape } from '../support/memtape.js';

/** A file system of this size, in memory; '' where this user may not mount any. */
function smallDisk(size: string): string {
  const folder = temporaryFolder();
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder]).status !== 0) {
    return '';
  }
  onTestFinished(() => {
    spawnSync('umount', ['-l', folder]);
  });
  return folder;
}

const mayMount = (() => {
  if (process.getuid?.() !== 0) return false;
  return spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;
})();

const program = `
  const { appendFileSync } = require('node:fs');
  const [, , filler, count] = process.argv;
  const descend = (depth, size) => depth === 0 ? Buffer.alloc(size) : descend(depth - 1, size);
  globalThis.kept = descend(10, 5_000_003);
  if (filler !== '') {
    try { for (;;) appendFileSync(filler, Buffer.alloc(1 << 16)); } catch (error) { console.log(error.code); }
  }
  for (let i = 0; i < count; i++) descend(i % 700, 5000 + (i % 1000));
  console.log('done');`;

describe.skipIf(!mayMount)('may mount a file system', () => {
  test.each([
    ['has no room for one ring', '1m', ''],
    ['has no room for another ring', '9m', ''],
    ['is full after a while', '64m', 'ENOSPC\n'],
  ])('a disk that %s', (_name, size, filled) => {
    const disk = smallDisk(size);
    const output = join(disk, 'c.bin');
    const script = join(folderOf({ 'program.cjs': program }), 'program.cjs');
    const filler = filled === '' ? '' : join(disk, 'filler');
    const ran = memtape(['run', '--no-compress', '-o', output, script, filler, '200000']);
    expect(ran).toMatchObject({ status: 0, stdout: `${filled}done\n` });
    expect(ran.stderr).toMatch(/^memtape: recording ended early: .*no space left on device/m);
    const parsed = memtape(['parse', '--json', output]);
    expect(parsed.status).toBe(0);
    // What came before is there, to the byte.
    if (filled !== '') expect(parsed.stdout).toContain('"size":5000003');
  });
});
