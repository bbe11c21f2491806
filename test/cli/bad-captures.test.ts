// SPDX-License-Identifier: MIT
import { chmodSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { crc32c } from '../../ts/decode/crc32c.js';
import { folderOf, temporaryFolder } from '../support/folder.js';
import { checkBundle, cli, finish, memtape } from '../support/memtape.js';

let recorded: Buffer | undefined;

/** A real capture, recorded once. */
function capture(): Buffer {
  if (recorded === undefined) {
    const cwd = temporaryFolder();
    const { status } = memtape(['run', '-q', '--no-compress', '-o', 'a.bin', '-e', '0'], { cwd });
    expect(status).toBe(0);
    recorded = readFileSync(join(cwd, 'a.bin'));
  }
  return recorded;
}

function newer(): Buffer {
  const bytes = Buffer.from(capture());
  bytes.writeUInt16LE(9, 8);
  bytes.writeUInt32LE(crc32c(bytes, 0, 60), 60);
  return bytes;
}

function damagedHeader(): Buffer {
  const bytes = Buffer.from(capture());
  bytes[20] = (bytes[20] ?? 0) ^ 1;
  return bytes;
}

const readers = ['parse', 'stats', 'summary', 'flamegraph', 'finalize'];

describe.each(readers)('memtape %s of', (command) => {
  const refuses = (name: string, content: string | Uint8Array | null, message: string) => {
    const cwd = folderOf(content === null ? { 'folder/x': '' } : { [name]: content });
    const before = readdirSync(cwd);
    const { status, stdout, stderr } = memtape([command, name], { cwd });
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^memtape: .*\nhint: .*\n$/);
    expect(stderr).toContain(`memtape: ${name}: `);
    expect(stderr).toContain(message);
    expect(status).toBe(1);
    expect(readdirSync(cwd)).toEqual(before);
  };

  test('a file that is not there', () => refuses('no.bin', null, 'no such file'));
  test('a folder', () => refuses('folder', null, 'it is a folder'));
  test('an empty file', () => refuses('a.bin', '', 'the file is empty'));
  test('another kind of file', () =>
    refuses('a.js', 'console.log(1);'.repeat(20), 'not a memtape capture'));
  test('the start of a header', () =>
    refuses('a.bin', capture().subarray(0, 40), 'ends after 40 bytes'));
  test('a damaged header', () => refuses('a.bin', damagedHeader(), 'its header is damaged'));
  test('a newer version', () => refuses('a.bin', newer(), 'capture version 9.0'));

  test.skipIf(process.getuid?.() === 0)('a file without permission', () => {
    const cwd = folderOf({ 'a.bin': capture() });
    chmodSync(join(cwd, 'a.bin'), 0);
    expect(memtape([command, 'a.bin'], { cwd }).stderr).toBe('memtape: a.bin: no permission\n');
  });

  test('a capture that was cut off says so and reports the rest', () => {
    const cwd = folderOf({ 'a.bin': capture().subarray(0, (capture().length * 3) / 4) });
    const { status, stderr, stdout } = memtape([command, 'a.bin'], { cwd });
    expect(status).toBe(0);
    expect(stderr).not.toMatch(/^ +at /m);
    if (command === 'stats') expect(stdout).toContain('cut off');
    if (command === 'parse') expect(stdout).toContain('truncated=true');
  });
});

describe('output that cannot be written', () => {
  /** `memtape command` in a shell, for its redirections. */
  function shell(command: string, before = '') {
    checkBundle();
    const cwd = folderOf({ 'a.bin': capture() });
    const line = `exec 3>&2; ${before} '${process.execPath}' '${cli}' ${command}`;
    return finish('sh', ['-c', line], { cwd });
  }

  test('an HTML file is not overwritten without -f', () => {
    const cwd = folderOf({ 'a.bin': capture(), 'memtape-flamegraph-a.html': 'old' });
    const { status, stderr } = memtape(['flamegraph', 'a.bin'], { cwd });
    expect(stderr).toContain('it exists already');
    expect(status).toBe(1);
    expect(readFileSync(join(cwd, 'memtape-flamegraph-a.html'), 'utf8')).toBe('old');
    expect(memtape(['flamegraph', '-f', 'a.bin'], { cwd }).status).toBe(0);
    expect(readFileSync(join(cwd, 'memtape-flamegraph-a.html'), 'utf8')).toContain(
      '<!doctype html>',
    );
  });

  test.each(['parse', 'stats', 'summary --json'])('%s to a full disk', (command) => {
    const { status, stderr } = shell(`${command} a.bin > /dev/full`);
    expect(stderr).toBe('memtape: standard output: the disk is full\n');
    expect(status).toBe(1);
  });

  test('a reader that goes away ends the command without a word', () => {
    // The shell reports the command's own end through fd 3.
    const { stdout, stderr } = shell('parse a.bin; echo $? >&3; } | head -n 1', '{');
    expect(stdout).toMatch(/^capture version=.*\n$/);
    expect(stderr).toBe('0\n');
  });
});
