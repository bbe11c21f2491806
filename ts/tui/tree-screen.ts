// SPDX-License-Identifier: MIT
// The tree on a screen: what the reader sees and which keys do what.

import type pc from 'picocolors';
import type { Frame } from '../model/frame.js';
import { printable } from '../model/printable.js';
import { fitted, fittedEnd, padEnd } from '../model/terminal-text.js';
import type { TreeReport } from '../report/tree.js';
import type { SourceLine } from '../resolve/source-text.js';
import type { Key, Screen, Size } from './terminal.js';
import { detailLines } from './tree-details.js';
import { treeLines } from './tree-lines.js';
import { TreeState } from './tree-state.js';

export type Colours = ReturnType<typeof pc.createColors>;

export interface TreeScreenOptions {
  /** What the screen is about: a heading and the capture's name. */
  readonly title: (report: TreeReport) => string;
  readonly colours: Colours;
  /** The same upside down, or upright again. */
  readonly turned: (inverted: boolean) => TreeReport;
  /** Shows a frame's source in the reader's editor; returns why it does not. */
  readonly edit: (frame: Frame) => string | null;
  /** All lines of a frame's file; null where there are none to show. */
  /** The lines that are known of a file, in ascending order. */
  readonly source: (file: string) => readonly SourceLine[] | null;
}

/** From here on, the source stands beside the tree. */
const WIDE = 110;
/** With fewer lines there is no room for it below. */
const TALL = 16;
const KEYS = '↑↓ move  →← open  e biggest  n Node.js  i invert  o edit  / find  ? keys  q quit';

const HELP = [
  '↑ ↓ j k       move              → Enter l     open, then go in',
  '← h           close, then out   Space         open or close',
  'PgUp PgDn     a page            Home End g G  first, last',
  'e             open the biggest branch below',
  "n             show or hide Node.js's own frames",
  'i             allocating frames first, callers below them, and back',
  'o             open the source in $VISUAL or $EDITOR',
  '/ . ,         search, next match, previous match',
  'Ctrl-Z        suspend           q Esc Ctrl-C  quit',
];

export class TreeScreen implements Screen {
  #state: TreeState;
  readonly #options: TreeScreenOptions;
  #top = 0;
  #page = 10;
  /** What is being typed; null when nothing is. */
  #typed: string | null = null;
  #query = '';
  #message = '';
  #help = false;

  constructor(report: TreeReport, options: TreeScreenOptions) {
    this.#state = new TreeState(report);
    this.#options = options;
  }

  draw({ columns, rows }: Size): string[] {
    const { colours, title } = this.#options;
    const body = Math.max(1, rows - 2);
    const lines = this.#body(columns, body);
    return [
      colours.inverse(padEnd(fitted(title(this.#state.report), columns), columns)),
      ...Array.from({ length: body }, (_, row) => lines[row] ?? ''),
      this.#footer(columns),
    ];
  }

  press(key: Key): boolean {
    this.#message = '';
    if (this.#typed !== null) {
      this.#type(key, this.#typed);
      return true;
    }
    if (this.#help) {
      this.#help = false;
      return true;
    }
    return this.#command(key);
  }

  #command({ name, text }: Key): boolean {
    const state = this.#state;
    const commands: Record<string, () => void> = {
      up: () => state.move(-1),
      k: () => state.move(-1),
      down: () => state.move(1),
      j: () => state.move(1),
      pageup: () => state.move(-this.#page),
      pagedown: () => state.move(this.#page),
      home: () => state.move(Number.NEGATIVE_INFINITY),
      g: () => state.move(Number.NEGATIVE_INFINITY),
      end: () => state.move(Number.MAX_SAFE_INTEGER),
      G: () => state.move(Number.MAX_SAFE_INTEGER),
      right: () => state.enter(),
      return: () => state.enter(),
      l: () => state.enter(),
      left: () => state.leave(),
      h: () => state.leave(),
      space: () => state.toggle(),
      e: () => state.openBiggest(),
      n: () => state.toggleNodeInternals(),
      i: () => this.#turn(),
      o: () => {
        this.#message = this.#options.edit(state.frame(state.node)) ?? '';
      },
      '/': () => {
        this.#typed = '';
      },
      '.': () => this.#find(1),
      ',': () => this.#find(-1),
      '?': () => {
        this.#help = true;
      },
    };
    // Names are in lower case; what was typed tells g from G.
    if (text === 'q' || name === 'escape') return false;
    (commands[text] ?? commands[name])?.();
    return true;
  }

  #type({ name, text, ctrl }: Key, typed: string): void {
    if (name === 'escape') this.#typed = null;
    else if (name === 'return') {
      this.#typed = null;
      if (typed !== '') this.#query = typed;
      this.#find(1);
    } else if (name === 'backspace') this.#typed = typed === '' ? null : typed.slice(0, -1);
    else if (!ctrl && text !== '' && printable(text) === text) this.#typed = typed + text;
  }

  #turn(): void {
    const { report, showsNode } = this.#state;
    this.#state = new TreeState(this.#options.turned(!report.inverted));
    if (showsNode) this.#state.toggleNodeInternals();
    this.#top = 0;
  }

  #find(direction: 1 | -1): void {
    if (this.#query === '' || this.#state.find(this.#query, direction)) return;
    this.#message = `nothing has “${this.#query}”`;
  }

  #body(columns: number, rows: number): string[] {
    if (this.#help) return HELP.map((line) => fitted(line, columns));
    const wide = columns >= WIDE;
    const below = wide || rows < TALL ? 0 : Math.min(14, Math.floor(rows * 0.4));
    const treeColumns = wide ? Math.floor(columns * 0.56) : columns;
    const treeRows = below === 0 ? rows : rows - below - 1;
    this.#page = Math.max(1, treeRows - 1);
    this.#scroll(treeRows);
    const tree = treeLines(this.#state, this.#options, {
      top: this.#top,
      rows: treeRows,
      columns: treeColumns,
    });
    const details = (width: number, height: number) =>
      detailLines(this.#state, this.#options, { columns: width, rows: height });
    const { dim } = this.#options.colours;
    if (wide) {
      const beside = details(columns - treeColumns - 3, rows);
      return Array.from({ length: rows }, (_, row) => {
        const left = padEnd(tree[row] ?? '', treeColumns);
        return `${left} ${dim('│')} ${beside[row] ?? ''}`;
      });
    }
    if (below === 0) return tree;
    const filled = Array.from({ length: treeRows }, (_, row) => tree[row] ?? '');
    return [...filled, dim('─'.repeat(columns)), ...details(columns, below)];
  }

  #scroll(rows: number): void {
    const { selected } = this.#state;
    const last = Math.max(0, this.#state.rows.length - rows);
    this.#top = Math.min(Math.max(this.#top, selected - rows + 1), selected, last);
  }

  #footer(columns: number): string {
    const { colours } = this.#options;
    if (this.#typed !== null) return `${fittedEnd(`/${this.#typed}`, columns - 1)}▏`;
    if (this.#message !== '') return colours.yellow(fitted(this.#message, columns));
    return colours.dim(fitted(KEYS, columns));
  }
}
