// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commands } from '../../ts/cli/commands.js';
import { folderOf, temporaryFolder } from '../support/folder.js';
import { memtape } from '../support/memtape.js';

describe('wrong use', () => {
  test.each([
    ['--nosuch', "unknown option '--nosuch'", ''],
    ['rnu app.js', "unknown command 'rnu'", 'did you mean run?'],
    ['run --forse app.js', "unknown option '--forse'", 'did you mean --force?'],
    ['run', 'nothing to run', 'memtape run app.js'],
    ['run --', 'nothing to run', 'memtape run app.js'],
    ['run -o', "option '-o, --output <file>' argument missing", ''],
    ['run --interval 0 app.js', 'It must be a whole number, 1 to 60000', ''],
    ['run --interval 1.5 app.js', 'It must be a whole number', ''],
    ['run --interval ten app.js', 'It must be a whole number', ''],
    ['env extra', 'too many arguments: extra', ''],
    ['stats', 'no capture given', 'memtape stats memtape-app.1234.bin'],
    ['leaks a.bin b.bin', 'too many arguments: b.bin', ''],
    ['stats -n 0 a.bin', 'It must be a whole number, 1 or more', ''],
    ['summary --sort size a.bin', 'Allowed choices are total, own, allocations, function', ''],
    ['summary --leaks --temporary-allocations a.bin', 'cannot be used with', ''],
    [
      'summary --temporary-allocation-threshold -1 a.bin',
      'It must be a whole number, 0 or more',
      '',
    ],
    ['flamegraph', 'no capture given', ''],
    ['flamegraph --max-memory-records 7 a.bin', 'It must be a whole number, 8 to', ''],
    ['flamegraph --confidential-files some a.bin', 'Allowed choices are all, none, default', ''],
    ['table', 'no capture given', 'memtape table memtape-app.1234.bin'],
    ['table --json --csv a.bin', 'cannot be used with', ''],
    ['stats --leaks --temporary-allocation-threshold 3 a.bin', 'cannot be used with', ''],
    ['parse', 'no capture given', ''],
  ])('memtape %s: one line, a hint, exit code 2', (line, message, hint) => {
    const { status, stdout, stderr } = memtape(line.split(' '), { cwd: temporaryFolder() });
    expect(stdout).toBe('');
    const [first = '', second = '', ...rest] = stderr.split('\n');
    expect(first).toMatch(/^memtape: /);
    expect(first).toContain(message);
    expect(second).toMatch(/^hint: /);
    expect(second).toContain(hint);
    expect(rest).toEqual(['']);
    expect(status).toBe(2);
  });

  test('no command prints the help on stderr', () => {
    const { status, stdout, stderr } = memtape([]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('Usage: memtape');
  });

  test.each(['MEMTAPE_INTERVAL', 'MEMTAPE_NATIVE'])('a wrong %s is refused', (name) => {
    const { status, stderr } = memtape(['run', '-e', '0'], {
      cwd: temporaryFolder(),
      env: { [name]: 'x' },
    });
    expect(stderr).toContain(`memtape: ${name} must be `);
    expect(status).toBe(2);
  });
});

describe('help', () => {
  test('lists every command and goes to stdout', () => {
    const { status, stdout, stderr } = memtape(['--help']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    for (const { name } of commands) {
      expect(stdout).toMatch(new RegExp(`^  ${name} +[a-z]`, 'm'));
    }
  });

  test.each(commands.map(({ name }) => name))('%s --help', (name) => {
    const { status, stdout } = memtape([name, '--help']);
    expect(status).toBe(0);
    expect(stdout).toContain(`Usage: memtape ${name} `);
    expect(stdout).not.toMatch(/.{101}/);
    // An example or two say more than a list of options.
    expect(stdout).toMatch(new RegExp(`^ {2}.*memtape ${name} `, 'm'));
  });

  test('--version prints the version of the package', () => {
    expect(memtape(['--version']).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('an output that cannot be written', () => {
  test.each([
    ['no/a.bin', 'there is no folder', 'mkdir -p'],
    ['old.bin', 'it exists already', 'overwrite it with -f'],
    ['folder', 'it is a folder', 'capture.bin'],
    ['old.bin/a.bin', 'is not a folder', '-o'],
    ['/dev/null', 'it is not a regular file', '-o'],
    ['no/%p.bin', 'there is no folder', 'mkdir -p'],
    ['/proc/a.bin', 'no file can be created there', '-o'],
  ])('%s stops before the program starts', (output, message, hint) => {
    const cwd = folderOf({ 'old.bin': 'old', 'folder/x': '' });
    const args = output === '/dev/null' ? ['-f'] : [];
    const { status, stdout, stderr } = memtape(
      ['run', ...args, '-o', output, '-e', 'console.log(1)'],
      { cwd },
    );
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^memtape: cannot write .*\nhint: .*\n$/);
    expect(stderr).toContain(message);
    expect(stderr).toContain(hint);
    expect(status).toBe(1);
  });

  test('leaves the old file as it was', () => {
    const cwd = folderOf({ 'old.bin': 'old' });
    memtape(['run', '-o', 'old.bin', '-e', '0'], { cwd });
    expect(readFileSync(join(cwd, 'old.bin'), 'utf8')).toBe('old');
  });
});
