// SPDX-License-Identifier: MIT
// memtape tree on a real pseudo terminal.
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { textWidth } from '../../ts/model/terminal-text.js';
import { checkBundle, cli, memtape } from '../support/memtape.js';
import { Pty } from '../support/pty.js';

const HOSTILE = '\u001b]0;owned\u0007\u001b[2Jname.js';
const APP = `const kept = [];
function small() {
  kept.push(Buffer.alloc(2_000_003));
}
function large() {
  kept.push(Buffer.alloc(9_000_003)); // here
}
function start() {
  small();
  large();
  require(${JSON.stringify(`./${HOSTILE}`)}).evil();
}
start();
`;
const EVIL =
  'exports.evil = function evil() { globalThis.x = Buffer.alloc(4_000_003); // \u001b[2J\n};';

const [UP, DOWN, RIGHT, LEFT, END] = ['\x1b[A', '\x1b[B', '\x1b[C', '\x1b[D', '\x1b[F'];
const ESC = String.fromCharCode(27);
const REVERSED = new RegExp(`${ESC}\\[7m(.*?)${ESC}\\[27m`, 'g');
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l';

let cwd = '';
beforeAll(() => {
  checkBundle();
  cwd = realpathSync(mkdtempSync(join(tmpdir(), 'memtape-tree-')));
  writeFileSync(join(cwd, 'app.js'), APP);
  writeFileSync(join(cwd, HOSTILE), EVIL);
  const { status, stderr } = memtape(['run', '-q', '-o', 'a.bin', 'app.js'], { cwd });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});
afterAll(() => rmSync(cwd, { recursive: true }));

const open = (columns: number, rows: number, ...options: string[]) =>
  new Pty([process.execPath, cli, 'tree', ...options, 'a.bin'], columns, rows, cwd);

const has = (text: string) => (lines: readonly string[]) => lines.some((l) => l.includes(text));
const selected = (pty: Pty) => {
  // The line that is painted in reverse, besides the title.
  const frame = pty.output.slice(pty.output.lastIndexOf('\x1b[?2026h'));
  return [...frame.matchAll(REVERSED)].at(-1)?.[1] ?? '';
};

async function select(pty: Pty, text: string): Promise<void> {
  pty.type(`/${text}\r`);
  await pty.waitFor(`${text} selected`, () => selected(pty).includes(text));
}

describe('memtape tree on a terminal', () => {
  test.each([
    [80, 24],
    [120, 40],
    [200, 50],
  ])(
    'of %d × %d opens the biggest branch and shows its source and the keys',
    async (columns, rows) => {
      const pty = open(columns, rows);
      const lines = await pty.waitFor('the tree', has('large'));
      expect(lines).toHaveLength(rows);
      expect(Math.max(...lines.map(textWidth))).toBeLessThanOrEqual(columns);
      expect(lines[0]).toMatch(/^ memtape {2}Heap at its peak: [\d.]+MB {2}a\.bin$/);
      expect(lines[1]).toMatch(/^▾ [\d.]+MB \(100\.0%\) everything/);
      expect(lines.at(-1)).toMatch(/^↑↓ move .* q quit$/);
      // Siblings of the biggest are there, closed.
      expect(lines.some((line) => /▸ 2\.000MB \(.*%\) start/.test(line))).toBe(true);
      expect(lines.some((line) => /▾ 9\.000MB \(.*%\) large/.test(line))).toBe(true);

      await select(pty, 'large');
      const shown = await pty.waitFor('the source', has('// here'));
      expect(shown.find((line) => line.includes('// here'))).toMatch(/▶ ?6 {3}kept\.push\(/);
      expect(shown.some((line) => line.includes('9.000MB (') && line.includes(' in '))).toBe(true);
      pty.type('q');
      expect(await pty.ended()).toEqual({ status: 0, signal: null, restored: true });
      expect(pty.output.endsWith(LEAVE)).toBe(true);
    },
  );

  test('moves, closes, opens and goes out', async () => {
    const pty = open(100, 40);
    await pty.waitFor('the tree', has('large'));
    expect(selected(pty)).toContain('everything');
    pty.type(DOWN);
    await pty.waitFor('down', () => !selected(pty).includes('everything'));
    pty.type(UP);
    await pty.waitFor('up', () => selected(pty).includes('everything'));
    pty.type(LEFT);
    await pty.waitFor('closed', (lines) => lines.some((line) => line.startsWith('▸ ')));
    expect((await pty.waitFor('all gone', (lines) => !has('large')(lines))).length).toBe(40);
    pty.type('e');
    await pty.waitFor('the biggest branch', has('large'));
    await select(pty, 'large');
    pty.type(LEFT);
    await pty.waitFor('large closed', () => selected(pty).includes('▸ 9.000MB'));
    pty.type(RIGHT);
    await pty.waitFor('large open', () => selected(pty).includes('▾ 9.000MB'));
    pty.type(LEFT + LEFT);
    await pty.waitFor('its caller', () => selected(pty).includes('start'));
    pty.type(END);
    await pty.waitFor('the end', () => selected(pty) !== '' && !selected(pty).includes('start'));
    pty.type('q');
    expect((await pty.ended()).status).toBe(0);
  });

  test('turns the tree round and back', async () => {
    const pty = open(120, 40);
    await pty.waitFor('the tree', has('large'));
    pty.type('i');
    const inverted = await pty.waitFor(
      'inverted',
      has('Heap at its peak, allocating frames first'),
    );
    // The largest allocating frame is at the top, its callers go down to the program's start.
    expect(inverted[1]).toMatch(/^▾ [\d.]+MB \(100\.0%\) everything/);
    expect(inverted[2]).toMatch(/^ {2}▾ [\d.]+MB \(.*%\) node::NodeArrayBufferAllocator/);
    await select(pty, 'large');
    // Open or not: where large is the biggest, its branch is.
    pty.type(RIGHT);
    await select(pty, 'start /');
    pty.type('i');
    await pty.waitFor(
      'upright',
      (lines) => has('Heap at its peak: ')(lines) && has('large')(lines),
    );
    pty.type('q');
    expect((await pty.ended()).status).toBe(0);
    const started = open(120, 40, '--inverted');
    await started.waitFor('inverted', has('allocating frames first'));
    started.type('q');
    await started.ended();
  });

  test('opens the source in an editor and has the screen again afterwards', async () => {
    const told = join(cwd, 'told');
    const editor = `sh -c 'echo "$@" > ${told}; stty -a < /dev/tty >> ${told}; read line; echo "$line" >> ${told}' editor`;
    const pty = new Pty(
      ['env', '-u', 'VISUAL', `EDITOR=${editor}`, process.execPath, cli, 'tree', 'a.bin'],
      120,
      40,
      cwd,
    );
    await pty.waitFor('the tree', has('large'));
    await select(pty, 'large');
    pty.type('o');
    // The terminal is as an editor expects it: lines are read, and keys echoed.
    await pty.waitFor(
      'the editor',
      () => existsSync(told) && readFileSync(told, 'utf8').includes('icanon'),
    );
    expect(readFileSync(told, 'utf8')).toMatch(/ icanon .* echo /s);
    pty.type('typed into the editor\n');
    await pty.waitFor('the screen', (_, output) => output.split('\x1b[?1049h').length === 3);
    pty.type(UP);
    await pty.waitFor('keys', () => selected(pty) !== '' && !selected(pty).includes('large'));
    const [args, ...rest] = readFileSync(told, 'utf8').trimEnd().split('\n');
    expect(args).toBe(`+6 ${join(cwd, 'app.js')}`);
    expect(rest.at(-1)).toBe('typed into the editor');
    await select(pty, 'NodeArrayBufferAllocator');
    pty.type('o');
    await pty.waitFor('a message', has('there is no source to open'));
    pty.type('q');
    expect(await pty.ended()).toEqual({ status: 0, signal: null, restored: true });
  });

  test('says what is missing when no editor is named, or it fails', async () => {
    const start = (...environment: string[]) =>
      new Pty(
        ['env', '-u', 'VISUAL', ...environment, process.execPath, cli, 'tree', 'a.bin'],
        120,
        40,
        cwd,
      );
    const none = start('-u', 'EDITOR');
    await none.waitFor('the tree', has('large'));
    await select(none, 'large');
    none.type('o');
    await none.waitFor('a message', has('set EDITOR to the program'));
    none.type('q');
    await none.ended();
    const wrong = start('EDITOR=exit 3; true');
    await wrong.waitFor('the tree', has('large'));
    await select(wrong, 'large');
    wrong.type('o');
    await wrong.waitFor('a message', has('ended with code 3'));
    wrong.type('q');
    expect(await wrong.ended()).toMatchObject({ status: 0, restored: true });
  });

  test("shows Node.js's frames on request, searches, and says when nothing is found", async () => {
    const pty = open(120, 40);
    await pty.waitFor('the tree', has('large'));
    expect(pty.output).not.toContain('Module._load');
    pty.type('n');
    await pty.waitFor('internals', has('Module._load'));
    await select(pty, 'small');
    pty.type('/nosuchthing\r');
    await pty.waitFor('a message', has('nothing has “nosuchthing”'));
    pty.type('?');
    await pty.waitFor('help', has('suspend'));
    pty.type('x\x1b');
    expect(await pty.ended()).toMatchObject({ status: 0, restored: true });
  });

  test('follows the size of the terminal', async () => {
    const pty = open(80, 24);
    await pty.waitFor('the tree', has('large'));
    pty.resize(200, 30);
    const wide = await pty.waitFor('wide', (lines) => lines.length === 30 && has(' │ ')(lines));
    expect(Math.max(...wide.map(textWidth))).toBeLessThanOrEqual(200);
    pty.resize(40, 8);
    await pty.waitFor('tiny', (_, output) => {
      const frame = output.slice(output.lastIndexOf('\x1b[?2026h'));
      return frame.includes('\x1b[8;1H') && !frame.includes('\x1b[9;1H');
    });
    pty.type('q');
    expect((await pty.ended()).status).toBe(0);
  });

  test('makes hostile names inert', async () => {
    const pty = open(120, 40);
    await pty.waitFor('the tree', has('large'));
    await select(pty, 'evil');
    await pty.waitFor('its source', has('function evil() {'));
    expect(pty.output).not.toContain('\x1b]0;');
    expect(pty.output).not.toContain('\x1b[2J');
    pty.type('q');
    await pty.ended();
  });

  test('gives the terminal back at Ctrl-C', async () => {
    const pty = open(80, 24);
    await pty.waitFor('the tree', has('large'));
    pty.type('\x03');
    expect(await pty.ended()).toEqual({ status: 130, signal: null, restored: true });
    expect(pty.output.endsWith(LEAVE)).toBe(true);
  });

  test('gives the terminal back before it is suspended, and takes it again', async () => {
    const pty = open(80, 24);
    await pty.waitFor('the tree', has('large'));
    pty.type('\x1a');
    // Nobody can continue it here, so the kernel does not stop it.
    await pty.waitFor(
      'both',
      (_, output) => output.split(LEAVE).length === 2 && output.split('\x1b[?1049h').length === 3,
    );
    pty.type(DOWN);
    await pty.waitFor('keys', () => selected(pty) !== '' && !selected(pty).includes('everything'));
    pty.type('q');
    expect(await pty.ended()).toEqual({ status: 0, signal: null, restored: true });
  });

  test('gives the terminal back when it is ended by a signal', async () => {
    const pty = open(80, 24);
    await pty.waitFor('the tree', has('large'));
    pty.kill('SIGTERM');
    expect(await pty.ended()).toEqual({ status: null, signal: 'SIGTERM', restored: true });
    expect(pty.output.endsWith(LEAVE)).toBe(true);
  });

  test('shows leaks and temporary allocations', async () => {
    const leaks = open(80, 24, '--leaks');
    await leaks.waitFor('leaks', has('Memory never freed'));
    leaks.type('q');
    await leaks.ended();
    const temporary = open(80, 24, '--temporary-allocations');
    await temporary.waitFor('temporary', has('Temporary memory'));
    temporary.type('q');
    await temporary.ended();
  });
});

describe('memtape tree into a pipe', () => {
  test('prints lines, or JSON, that add up', () => {
    const { stdout, status } = memtape(['tree', 'a.bin'], { cwd });
    expect(status).toBe(0);
    expect(stdout).toMatch(/^Heap at its peak: [\d.]+MB in \d+ blocks\n\n/);
    expect(stdout).toMatch(/^ *9\.000MB +\d+\.\d% {2}(?:│ )+large at .*app\.js:6$/m);
    expect(stdout).not.toContain('\x1b');
    const report = JSON.parse(memtape(['tree', '--json', '-b', '3', 'a.bin'], { cwd }).stdout);
    expect(report.tree.bytes + report.left_out.bytes).toBe(report.total_bytes);
    expect(report.left_out.stacks).toBeGreaterThan(0);
    const csv = memtape(['tree', '--csv', '-b', '3', 'a.bin'], { cwd }).stdout.split('\n');
    expect(csv[1]).toMatch(new RegExp(`^0,,0,everything,,0,,${report.tree.bytes},0,\\d+,0,$`));
    const inverted = memtape(['tree', '--inverted', 'a.bin'], { cwd }).stdout.split('\n');
    expect(inverted[0]).toMatch(/^Heap at its peak, allocating frames first: /);
    expect(inverted[2]).toMatch(/^ *\d+\.\d{3}MB +\d+\.\d% {2}├ node::NodeArrayBufferAllocator/);
  });
});
