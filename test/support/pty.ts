// SPDX-License-Identifier: MIT
// Programs on a pseudo terminal, and what stands on its screen.
import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { plainEnvironment } from './memtape.js';

const HELPER = fileURLToPath(new URL('pseudo-terminal.py', import.meta.url));
const PATIENCE_MS = 15_000;

export interface Ended {
  readonly status: number | null;
  readonly signal: string | null;
  /** Whether the terminal's modes are what they were before. */
  readonly restored: boolean;
}

export class Pty {
  readonly #child: ChildProcess;
  readonly #ended: Promise<Ended>;
  #output = '';

  constructor(command: readonly string[], columns: number, rows: number, cwd: string) {
    const args = [HELPER, `${columns}`, `${rows}`, ...command];
    this.#child = spawn('python3', args, {
      cwd,
      env: { ...plainEnvironment(), TERM: 'xterm-256color' },
      stdio: ['pipe', 'pipe', 'inherit', 'pipe', 'pipe'],
    });
    onTestFinished(() => {
      this.#child.kill();
    });
    this.#child.stdout?.on('data', (data: Buffer) => {
      this.#output += data.toString('latin1');
    });
    let report = '';
    (this.#child.stdio[4] as Readable).on('data', (data: Buffer) => {
      report += data.toString();
    });
    this.#ended = new Promise((resolve, reject) => {
      this.#child.on('close', () => {
        if (report === '') reject(new Error('the terminal ended without a word'));
        else resolve(JSON.parse(report) as Ended);
      });
    });
    // Whoever waits hears of it; a test that has failed for another reason does not wait.
    this.#ended.catch(() => {});
  }

  /** Everything that was written to the terminal. */
  get output(): string {
    return Buffer.from(this.#output, 'latin1').toString('utf8');
  }

  type(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  resize(columns: number, rows: number): void {
    (this.#child.stdio[3] as Writable).write(`${columns} ${rows}\n`);
  }

  kill(signal: NodeJS.Signals): void {
    (this.#child.stdio[3] as Writable).write(`kill ${signal}\n`);
  }

  ended(): Promise<Ended> {
    return this.#ended;
  }

  /** Polls what is on the screen. */
  async waitFor(what: string, isSo: (lines: readonly string[], output: string) => boolean) {
    const until = performance.now() + PATIENCE_MS;
    for (;;) {
      const { output } = this;
      const lines = screenOf(output);
      if (isSo(lines, output)) return lines;
      if (performance.now() > until) {
        throw new Error(`never: ${what}; the screen has\n${lines.join('\n')}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

const [ESC, BEL] = ['\\x1b', '\\x07'];
/** Control sequences with their parameters and command, titles, other control characters, text. */
const SEQUENCE = new RegExp(
  `${ESC}\\[([?\\d;]*)([A-Za-z])|${ESC}\\][^${BEL}]*${BEL}|(\\p{Cc})|(\\P{Cc})`,
  'gu',
);

/** What a terminal shows after this; throws at anything that memtape has no business to write. */
export function screenOf(output: string): string[] {
  let lines: string[][] = [];
  let [row, column] = [0, 0];
  // A frame that is half there is not looked at.
  const end = output.lastIndexOf('\x1b[?2026l');
  for (const [whole, parameters = '', command, control, text] of output
    .slice(0, end < 0 ? 0 : end)
    .matchAll(SEQUENCE)) {
    if (text !== undefined) {
      const line = lines[row] ?? [];
      lines[row] = line;
      while (line.length < column) line.push(' ');
      line[column++] = text;
    } else if (command === 'H') {
      [row, column] = parameters.split(';').map((part) => Number(part) - 1) as [number, number];
    } else if (command === 'K') lines[row]?.splice(column);
    else if (command === 'h' && parameters === '?1049') lines = [];
    else if (command === 'm' || command === 'h' || command === 'l') continue;
    else if (control === '\r' || control === '\n' || whole.startsWith('\x1b]stopped')) continue;
    else throw new Error(`a stray control sequence: ${JSON.stringify(whole)}`);
  }
  return Array.from(lines, (line) => (line ?? []).join('').trimEnd());
}
