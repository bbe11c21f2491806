// SPDX-License-Identifier: MIT
// A full-screen program on a terminal: takes the screen, gives it back whatever happens, tells of keys and sizes.

import { writeSync } from 'node:fs';
import { emitKeypressEvents } from 'node:readline';
import type { ReadStream, WriteStream } from 'node:tty';

export interface Key {
  /** Its name (`up`, `return`, `a`), or the character that was typed. */
  readonly name: string;
  readonly text: string;
  readonly ctrl: boolean;
}

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export interface Screen {
  /** At most `rows` lines of at most `columns` columns. */
  draw(size: Size): readonly string[];
  /** Whether the program goes on. */
  press(key: Key): boolean;
}

/** The other screen, no cursor, no wrapping at the right edge. */
const TAKE = '\x1b[?1049h\x1b[?25l\x1b[?7l';
const GIVE_BACK = '\x1b[?7h\x1b[?25h\x1b[?1049l';
/** Terminals that know it show the frame at once; others ignore it. */
const FRAME_BEGIN = '\x1b[?2026h';
const FRAME_END = '\x1b[?2026l';
/** A lone escape key is told from a sequence by what does not follow it. */
const ESCAPE_MS = 50;
const INTERRUPTED = 130;
const NOT_STOPPED_MS = 50;
const STDOUT = 1;

/** Readline's own line interface would print; only its decoding of keys is used. */
interface KeyDecoderOptions {
  readonly escapeCodeTimeout: number;
}

type EmitKeys = (input: ReadStream, options: KeyDecoderOptions) => void;

interface RawKey {
  readonly name?: string;
  readonly ctrl?: boolean;
}

export class Terminal {
  readonly #input: ReadStream;
  /** Standard output. */
  readonly #output: WriteStream;
  readonly #screen: Screen;
  #taken = false;
  #running = true;
  #done: () => void = () => {};

  constructor(input: ReadStream, output: WriteStream, screen: Screen) {
    this.#input = input;
    this.#output = output;
    this.#screen = screen;
  }

  /** Until the screen says that it is done, or Ctrl-C. */
  async run(): Promise<void> {
    const ended = new Promise<void>((resolve) => {
      this.#done = resolve;
    });
    (emitKeypressEvents as unknown as EmitKeys)(this.#input, { escapeCodeTimeout: ESCAPE_MS });
    this.#input.on('keypress', this.#pressed).on('end', this.#done);
    this.#output.on('resize', this.#draw);
    process.on('exit', this.#giveBack).on('SIGCONT', this.#take);
    for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.once(signal, this.#killed);
    this.#take();
    try {
      await ended;
    } finally {
      this.#running = false;
      this.#giveBack();
      this.#input.off('keypress', this.#pressed).off('end', this.#done).pause();
      this.#output.off('resize', this.#draw);
      process.off('exit', this.#giveBack).off('SIGCONT', this.#take);
      for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.off(signal, this.#killed);
    }
  }

  /** Somebody else has the terminal while this runs. */
  lend<Result>(run: () => Result): Result {
    this.#giveBack();
    try {
      return run();
    } finally {
      this.#take();
    }
  }

  readonly #take = (): void => {
    this.#taken = true;
    this.#input.setRawMode(true);
    this.#input.resume();
    this.#output.write(TAKE);
    this.#draw();
  };

  /** Written at once: a process that exits has no time for a stream. */
  readonly #giveBack = (): void => {
    if (!this.#taken) return;
    this.#taken = false;
    try {
      this.#input.setRawMode(false);
      writeSync(STDOUT, GIVE_BACK);
    } catch {
      // The terminal is gone; there is nobody to give anything back to.
    }
  };

  readonly #draw = (): void => {
    if (!this.#taken) return;
    const { columns, rows } = this.#output;
    const lines = this.#screen.draw({ columns, rows }).slice(0, rows);
    const painted = Array.from(
      { length: rows },
      (_, row) => `\x1b[${row + 1};1H${lines[row] ?? ''}\x1b[0m\x1b[K`,
    );
    this.#output.write(`${FRAME_BEGIN}${painted.join('')}${FRAME_END}`);
  };

  readonly #pressed = (text: string | undefined, key: RawKey): void => {
    const name = key.name ?? text ?? '';
    if (key.ctrl && name === 'c') {
      process.exitCode = INTERRUPTED;
      this.#done();
    } else if (key.ctrl && name === 'z') this.#suspend();
    else if (this.#screen.press({ name, text: text ?? '', ctrl: key.ctrl === true })) this.#draw();
    else this.#done();
  };

  #suspend(): void {
    this.#giveBack();
    process.kill(0, 'SIGTSTP');
    // Whoever has no shell to come back to is not stopped at all.
    setTimeout(() => {
      if (!this.#taken && this.#running) this.#take();
    }, NOT_STOPPED_MS);
  }

  readonly #killed = (signal: NodeJS.Signals): void => {
    this.#giveBack();
    // Its handler is gone, so this time it ends the process as it would have.
    process.kill(process.pid, signal);
  };
}
