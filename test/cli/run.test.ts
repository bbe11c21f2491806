// SPDX-License-Identifier: MIT
// The program under `memtape run` behaves as it would without.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folderOf, temporaryFolder } from '../support/folder.js';
import { checkBundle, cli, finish, memtape, plainEnvironment, top } from '../support/memtape.js';
import { compile } from '../support/native.js';
import { nodes } from '../support/nodes.js';
import { recordingEnvironment } from '../support/recording.js';

const MAGIC = '\x89MTAPE\r\n';
const isCapture = (path: string) => readFileSync(path, 'latin1').startsWith(MAGIC);

describe('the program', () => {
  const plainly = (code: string, args: string[], input: string) => {
    const cwd = folderOf({ 'app.js': code });
    const plain = finish(process.execPath, ['app.js', ...args], { cwd, input });
    const recorded = memtape(['run', '-q', 'app.js', ...args], { cwd, input });
    return { plain, recorded };
  };

  test('has the same input, output, arguments, environment and exit code', () => {
    const { plain, recorded } = plainly(
      `console.log(process.argv.slice(2), process.execArgv, process.cwd());
      console.log(JSON.stringify(Object.entries(process.env).sort()));
      console.error(require('fs').readFileSync(0, 'utf8'), process.argv0);
      process.exitCode = 7;`,
      ['-o', '--force', 'a b', '--', '%p', ''],
      'from stdin',
    );
    expect(recorded).toEqual(plain);
    expect(plain.status).toBe(7);
  });

  test('has the same uncaught exception', () => {
    const { plain, recorded } = plainly("setImmediate(() => { throw new Error('x') })", [], '');
    expect(recorded).toEqual(plain);
    expect(plain.status).toBe(1);
  });

  test.each(['SIGTERM', 'SIGKILL', 'SIGABRT', 'SIGINT'])('that dies of %s is seen to', (signal) => {
    const code = `process.kill(process.pid, '${signal}'); setTimeout(() => {}, 9999)`;
    const { plain, recorded } = plainly(code, [], '');
    expect(recorded).toEqual(plain);
    expect(plain.signal).toBe(signal);
  });

  test.each(['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGUSR2'] as const)('gets %s', async (signal) => {
    checkBundle();
    const cwd = folderOf({
      'app.js': `process.on('${signal}', () => { console.log('got it'); process.exit(3) });
        setInterval(() => {}, 1000); console.log('ready');`,
    });
    const child = spawn(process.execPath, [cli, 'run', '-q', 'app.js'], {
      cwd,
      env: plainEnvironment(),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (text.includes('ready')) child.kill(signal);
    });
    expect(await once(child, 'close')).toEqual([3, null]);
    expect(output).toBe('ready\ngot it\n');
  });

  test('has the terminal, and gets its Ctrl-C once', async () => {
    checkBundle();
    const cwd = folderOf({
      'app.js': `let count = 0;
        process.on('SIGINT', () => { count++; setTimeout(() => process.exit(count), 300) });
        console.log(String([process.stdin.isTTY, process.stdout.isTTY, process.stderr.isTTY]), 'ready');
        setInterval(() => {}, 1000);`,
    });
    const command = `exec '${process.execPath}' '${cli}' run -q app.js`;
    const child = spawn('script', ['-qec', command, '/dev/null'], { cwd, env: plainEnvironment() });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (text.includes('ready')) child.stdin.write('\x03');
    });
    expect(await once(child, 'close')).toEqual([1, null]);
    expect(output).toContain('true,true,true ready');
  });
});

describe('what to run', () => {
  test('is code with -e', () => {
    const { status, stdout } = memtape(
      ['run', '-q', '-e', 'console.log(process.argv.slice(1))', '--', '-x', 'y'],
      { cwd: temporaryFolder() },
    );
    expect(status).toBe(0);
    expect(stdout).toBe("[ '-x', 'y' ]\n");
  });

  test('is any command after --, options included', () => {
    const cwd = temporaryFolder();
    const node = memtape(['run', '-q', '--', 'node', '--no-warnings', '-p', 'process.execArgv'], {
      cwd,
    });
    expect(node.stdout).toContain('--no-warnings');
    expect(memtape(['run', '-q', '--', 'sh', '-c', 'exit 5'], { cwd }).status).toBe(5);
  });

  test.each([
    ['nosuch-command', 'no such command: nosuch-command'],
    ['./folder', 'not executable: ./folder'],
  ])('is refused when it cannot start: %s', (command, message) => {
    const cwd = folderOf({ 'folder/x': '' });
    const { status, stderr } = memtape(['run', '--', command], { cwd });
    expect(stderr).toBe(`memtape: ${message}\n`);
    expect(status).toBe(1);
    expect(readdirSync(cwd)).toEqual(['folder']);
  });
});

describe('the capture', () => {
  test('is called after the script and the process', () => {
    const cwd = folderOf({ 'dir/my.app.js': 'console.log(process.pid)' });
    const { stdout } = memtape(['run', '-q', 'dir/my.app.js'], { cwd });
    const name = `memtape-my.app.${stdout.trim()}.bin`;
    expect(readdirSync(cwd).sort()).toEqual(['dir', name]);
    expect(isCapture(join(cwd, name))).toBe(true);
  });

  test('is exactly the file that -o says, its %p the program', () => {
    const cwd = temporaryFolder();
    memtape(['run', '-q', '-o', 'a', '-e', '0'], { cwd });
    const { stdout } = memtape(['run', '-q', '-o', '%p-%%.x', '-e', 'console.log(process.pid)'], {
      cwd,
    });
    expect(readdirSync(cwd).sort()).toEqual([`${stdout.trim()}-%.x`, 'a'].sort());
  });

  test('replaces an old one with -f', () => {
    const cwd = folderOf({ 'a.bin': 'old' });
    expect(memtape(['run', '-q', '-f', '-o', 'a.bin', '-e', '0'], { cwd }).status).toBe(0);
    expect(isCapture(join(cwd, 'a.bin'))).toBe(true);
  });

  test('lies where the program was started, wherever that goes', () => {
    const cwd = folderOf({ 'sub/x': '', '100%p/app.js': "process.chdir('..')" });
    memtape(['run', '-q', '-o', 'a.bin', '-e', "process.chdir('sub')"], { cwd });
    memtape(['run', '-q', '-o', 'b.bin', 'app.js'], { cwd: join(cwd, '100%p') });
    expect(existsSync(join(cwd, 'a.bin'))).toBe(true);
    expect(existsSync(join(cwd, '100%p/b.bin'))).toBe(true);
  });

  test('is compressed unless --no-compress', () => {
    const cwd = temporaryFolder();
    const kinds = (args: string[]) => {
      memtape(['run', '-q', '-f', '-o', 'a.bin', ...args, '-e', '0'], { cwd });
      const lines = memtape(['parse', 'a.bin'], { cwd }).stdout.split('\n');
      return new Set(
        lines.filter((line) => line.startsWith('block ')).map((line) => /kind=\w+/.exec(line)?.[0]),
      );
    };
    expect([...kinds([])].some((kind) => kind === 'kind=gzip' || kind === 'kind=zstd')).toBe(true);
    expect([...kinds(['--no-compress'])]).toEqual(['kind=records']);
  });

  test('knows how the program ended', () => {
    const cwd = temporaryFolder();
    memtape(['run', '-q', '-o', 'a.bin', '-e', 'process.exitCode = 9'], { cwd });
    const { metadata } = JSON.parse(memtape(['stats', '--json', 'a.bin'], { cwd }).stdout);
    expect(metadata).toMatchObject({ exit_code: 9, exit_signal: null });
  });

  test('is there when the program is killed', () => {
    const cwd = folderOf({
      'app.js': `globalThis.kept = []; function grow() { kept.push(Buffer.alloc(3000000)) } grow();
        setTimeout(() => process.kill(process.pid, 'SIGKILL'), 100)`,
    });
    memtape(['run', '-q', '-o', 'a.bin', 'app.js'], { cwd });
    expect(readdirSync(cwd).sort()).toEqual(['a.bin', 'app.js']);
    const stats = JSON.parse(memtape(['stats', '--json', 'a.bin'], { cwd }).stdout);
    expect(stats.metadata).toMatchObject({ end: 'killed', exit_signal: 'SIGKILL' });
    expect(stats.peak_memory).toBeGreaterThan(3_000_000);
  });
});

const GROW = 'function grow() { return Buffer.alloc(5000001) } globalThis.kept = grow()';

const stats = (cwd: string, name: string) =>
  JSON.parse(memtape(['stats', '--json', name], { cwd }).stdout);

/** Who made the capture, and whether it saw `grow` run. */
function recorded(cwd: string, name: string) {
  const { metadata } = stats(cwd, name);
  const { rows } = JSON.parse(memtape(['summary', '--json', name], { cwd }).stdout);
  const grew = rows.some((row: { function: string }) => row.function === 'grow');
  return { command: metadata.command_line.split(' ')[0], end: metadata.end, grew };
}

const EXEC = `
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
extern char** environ;
int main(int, char** argv) {
  const char* how = argv[1];
  const char* file = argv[2];
  const char* word = argv[3];
  char** rest = argv + 2;
  if (!strcmp(how, "execl")) execl(file, file, word, (char*)nullptr);
  if (!strcmp(how, "execlp")) execlp(file, file, word, (char*)nullptr);
  if (!strcmp(how, "execle")) execle(file, file, word, (char*)nullptr, environ);
  if (!strcmp(how, "execv")) execv(file, rest);
  if (!strcmp(how, "execvp")) execvp(file, rest);
  if (!strcmp(how, "execvpe")) execvpe(file, rest, environ);
  if (!strcmp(how, "execve")) execve(file, rest, environ);
  if (!strcmp(how, "fexecve")) fexecve(open(file, O_RDONLY), rest, environ);
  return 1;
}`;

describe('a program that becomes another one', () => {
  test('by whichever function', () => {
    const cwd = folderOf({ 'app.js': GROW, 'exec.cc': EXEC });
    const program = join(cwd, 'exec');
    compile(join(cwd, 'exec.cc'), program);
    for (const how of 'execl execlp execle execv execvp execvpe execve fexecve'.split(' ')) {
      const env = recordingEnvironment(join(cwd, `${how}.bin`));
      expect(finish(program, [how, '/bin/echo', how], { env }).stdout).toBe(`${how}\n`);
      const { stdout } = memtape(['parse', `${how}.bin`], { cwd });
      expect(/"executable":"([^"]*)"/.exec(stdout)?.[1], how).toMatch(/echo|coreutils|busybox/);
    }
  });

  test.each([
    ['env', ['X=1']],
    ['bash', ['-c', 'exec "$0" "$@"']],
    ['sh', ['-c', 'exec "$0" "$@"']],
    ['env', ['-i', 'A=1']],
    ['setsid', []],
    ['nice', []],
  ])('goes on being recorded: %s %j', (command, args) => {
    const cwd = folderOf({ 'app.js': `${GROW}; console.log(process.pid)` });
    const program = [command, ...args, process.execPath, join(cwd, 'app.js')];
    const { stdout } = memtape(['run', '-q', '--no-follow', '-o', 'a.bin', '--', ...program], {
      cwd,
    });
    const earlier = `a.${stdout.trim()}.bin`;
    expect(readdirSync(cwd).sort()).toEqual([earlier, 'a.bin', 'app.js']);
    expect(recorded(cwd, 'a.bin')).toEqual({ command: process.execPath, end: 'exit', grew: true });
    expect(recorded(cwd, earlier)).toMatchObject({ end: 'exec', grew: false });
  });

  test('leaves each of its captures', () => {
    const cwd = folderOf({ 'app.js': GROW });
    const program = ['env', 'A=1', 'env', 'B=1', 'sh', '-c', `exec '${process.execPath}' app.js`];
    const { stderr } = memtape(['run', '--no-follow', '-o', 'a.bin', '--', ...program], { cwd });
    const names = readdirSync(cwd).filter((name) => name.startsWith('a.'));
    expect(names).toHaveLength(4);
    expect(stderr.match(/wrote a\..*until it became another program/g)).toHaveLength(3);
    expect(stderr).toMatch(/wrote a\.bin; next: memtape flamegraph a\.bin\n$/);
    expect(recorded(cwd, 'a.bin').grew).toBe(true);
  });

  test('and the one that it becomes knows nothing of memtape', () => {
    const print = 'console.log(JSON.stringify(Object.entries(process.env).sort()))';
    const program = ['sh', '-c', 'exec env X=1 "$0" -e "$1"', process.execPath, print];
    const plain = finish(program[0] ?? '', program.slice(1));
    const run = ['run', '-q', '--no-follow', '-o', 'a.bin', '--', ...program];
    const found = memtape(run, { cwd: temporaryFolder() });
    const rest = (text: string) =>
      JSON.parse(text).filter(([name]: [string]) => name !== 'PWD' && name !== 'OLDPWD');
    expect(rest(found.stdout)).toEqual(rest(plain.stdout));
  });

  test('stays as it is when exec fails', () => {
    const cwd = temporaryFolder();
    const program = ['sh', '-c', 'exec ./nosuch'];
    const { status } = memtape(['run', '-q', '-o', 'a.bin', '--', ...program], { cwd });
    expect(status).toBe(127);
    expect(readdirSync(cwd)).toEqual(['a.bin']);
    expect(stats(cwd, 'a.bin').metadata.end).toBe('exit');
  });
});

describe('with --follow', () => {
  const parent = `require('child_process').execFileSync(process.execPath, ['-e', 'process.stdout.write(String(process.pid))'], { stdio: 'inherit' })`;

  test.each([
    ['a.bin', (pid: string) => `a.${pid}.bin`],
    ['.hidden', (pid: string) => `.hidden.${pid}`],
    ['x-%p', (pid: string) => `x-${pid}`],
  ])('a child records into a file of its own: -o %s', (output, child) => {
    const cwd = temporaryFolder();
    const { stdout, stderr } = memtape(['run', '--follow', '-o', output, '-e', parent], { cwd });
    expect(readdirSync(cwd)).toHaveLength(2);
    expect(readdirSync(cwd)).toContain(child(stdout));
    expect(stderr).toMatch(
      new RegExp(`^memtape: wrote ${child(stdout)} \\(.*peak heap .*\\)$`, 'm'),
    );
    const { stdout: first } = memtape(['parse', child(stdout)], { cwd });
    expect(first).toContain('finalized=true');
  });

  test('and without it the child knows nothing of memtape, and the end says so', () => {
    const cwd = temporaryFolder();
    const { stderr } = memtape(['run', '-o', 'a.bin', '-e', parent], { cwd });
    expect(readdirSync(cwd)).toEqual(['a.bin']);
    expect(stderr).toMatch(/it started processes that were not recorded \(.*MB of RSS\); --follow/);
    const alone = memtape(['run', '-f', '-o', 'a.bin', '-e', '0'], { cwd });
    expect(alone.stderr).not.toContain('not recorded');
  });

  test.each([[[]], [['-f']]])('a child that becomes another program is recorded: %j', (options) => {
    const cwd = folderOf({ 'app.js': `${GROW}; console.log(process.pid)` });
    const script = `env A=1 env B=1 '${process.execPath}' app.js; true`;
    const { stdout, stderr } = memtape(
      ['run', '--follow', ...options, '-o', 'a.bin', '--', 'sh', '-c', script],
      { cwd },
    );
    const pid = stdout.trim();
    const names = [`a.${pid}.bin`, `a.${pid}.${pid}.bin`, `a.${pid}.${pid}-2.bin`];
    expect(readdirSync(cwd).sort()).toEqual([...names, 'a.bin', 'app.js'].sort());
    expect(recorded(cwd, names[0] ?? '').grew).toBe(true);
    expect(stderr).not.toContain('without being recorded');
    // What held the most is what one wants to see.
    expect(stderr).toMatch(new RegExp(`next: memtape flamegraph a\\.${pid}\\.bin\n$`));
  });

  test('bash passes it on, too', () => {
    const cwd = folderOf({ 'app.js': `${GROW}; console.log(process.pid)` });
    const script = `'${process.execPath}' app.js; '${process.execPath}' app.js; true`;
    const run = ['run', '--follow', '-o', 'a.bin', '--', 'bash', '-c', script];
    const { stdout, stderr } = memtape(run, { cwd });
    const names = stdout
      .trim()
      .split('\n')
      .map((pid) => `a.${pid}.bin`);
    expect(readdirSync(cwd).sort()).toEqual([...names, 'a.bin', 'app.js'].sort());
    for (const name of names) expect(recorded(cwd, name).grew).toBe(true);
    expect(stderr).not.toContain('without being recorded');
  });

  test('which is the default for shells and package managers', () => {
    const cwd = folderOf({
      'package.json': JSON.stringify({ scripts: { start: `"${process.execPath}" app.js` } }),
      'app.js': GROW,
    });
    const { stderr } = memtape(['run', '-o', 'a.bin', '--', 'npm', 'start'], { cwd });
    const names = readdirSync(cwd).filter((name) => /^a\..*bin$/.test(name));
    expect(names.some((name) => recorded(cwd, name).grew)).toBe(true);
    expect(stderr).not.toContain('were not recorded');
    memtape(['run', '-q', '--no-follow', '-o', 'b.bin', '--', 'sh', '-c', 'ls; true'], { cwd });
    expect(readdirSync(cwd).filter((name) => name.startsWith('b.'))).toEqual(['b.bin']);
  });
});

describe.each(nodes())('the permission model of Node.js $version', ({ path: node, major }) => {
  const flag = major === 20 ? '--experimental-permission' : '--permission';

  test.each([
    [[], false],
    [['--allow-fs-read=*'], false],
    [['--allow-fs-read=*', '--allow-addons'], true],
  ])('is respected: %j', (options, allowed) => {
    const cwd = folderOf({ 'app.js': `${GROW}; console.log(process.execArgv, process.env)` });
    const command = [node, '--no-warnings', flag, ...options, join(cwd, 'app.js')];
    const plain = finish(command[0] ?? '', command.slice(1), { cwd });
    const { status, stdout, stderr } = memtape(['run', '-o', 'a.bin', '--', ...command], { cwd });
    expect({ status, stdout }).toEqual({ status: plain.status, stdout: plain.stdout });
    expect(stderr.includes("JavaScript frames are missing: Node.js' permission model")).toBe(
      !allowed,
    );
    expect(recorded(cwd, 'a.bin').grew).toBe(allowed);
  });
});

describe('the package in a folder with spaces and colons', () => {
  test('can still be preloaded', () => {
    const folder = join(temporaryFolder(), 'a b:c');
    cpSync(join(top, 'dist'), join(folder, 'dist'), { recursive: true });
    cpSync(join(top, 'package.json'), join(folder, 'package.json'));
    cpSync(join(top, 'prebuilds'), join(folder, 'prebuilds'), { recursive: true });
    symlinkSync(join(top, 'build'), join(folder, 'build'));
    const { stdout, stderr } = finish(
      process.execPath,
      [join(folder, 'dist/cli.js'), 'run', '-q', '-o', 'a.bin', '-e', 'console.log(1)'],
      { cwd: folder },
    );
    expect({ stdout, stderr }).toEqual({ stdout: '1\n', stderr: '' });
    expect(isCapture(join(folder, 'a.bin'))).toBe(true);
    expect(stats(folder, 'a.bin').metadata.node_version).toBe(process.versions.node);
  });
});
