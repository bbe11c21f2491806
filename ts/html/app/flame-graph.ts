// SPDX-License-Identifier: MIT
// The interactive graph: view, zoom, hover, selection. Draws through FlameView, tells its owner what the reader did.

import type { AppFrame } from './app-frame.js';
import { FlameView, ROW_HEIGHT, type Scene, type View } from './flame-view.js';
import type { Layout } from './layout.js';
import type { Theme } from './palette.js';
import { type Direction, step } from './steps.js';

const ZOOM_MS = 180;
/** A4 between its margins, in CSS pixels; and as many rows as a canvas may be high. */
const PRINT_WIDTH = 700;
const MAX_PRINT_HEIGHT = 4000;
const NONE = -1;

export interface FlameEvents {
  onZoom(node: number): void;
  /** NONE (-1) when the pointer leaves all frames. */
  onHover(node: number, x: number, y: number): void;
  onSelect(node: number): void;
}

export class FlameGraph {
  readonly #scroller: HTMLElement;
  readonly #space: HTMLElement;
  readonly #view: FlameView;
  readonly #frames: readonly AppFrame[];
  readonly #events: FlameEvents;
  readonly #stillness = window.matchMedia('(prefers-reduced-motion: reduce)');
  #layout: Layout;
  #range: View;
  #zoomed = 0;
  #hovered = NONE;
  #selected = NONE;
  #matches: readonly boolean[] | undefined;
  #rootAtBottom = false;
  #theme: Theme = 'light';
  #queued = false;
  #animation = 0;

  constructor(
    elements: { scroller: HTMLElement; space: HTMLElement; canvas: HTMLCanvasElement },
    layout: Layout,
    frames: readonly AppFrame[],
    events: FlameEvents,
  ) {
    this.#scroller = elements.scroller;
    this.#space = elements.space;
    this.#view = new FlameView(elements.canvas);
    this.#layout = layout;
    this.#frames = frames;
    this.#events = events;
    this.#range = wholeOf(layout);
    this.#listen(elements.canvas);
    new ResizeObserver(() => this.#resize()).observe(this.#scroller);
    // On paper there is no scrolling: everything is drawn, as wide as a page, in light colours.
    window.addEventListener('beforeprint', () => this.#print());
    window.addEventListener('afterprint', () => this.#resize());
  }

  get layout(): Layout {
    return this.#layout;
  }

  get zoomed(): number {
    return this.#zoomed;
  }

  get selected(): number {
    return this.#selected;
  }

  setLayout(layout: Layout): void {
    this.#layout = layout;
    this.#zoomed = 0;
    this.#hovered = NONE;
    this.#selected = NONE;
    this.#range = wholeOf(layout);
    this.#resize();
  }

  setTheme(theme: Theme): void {
    this.#theme = theme;
    this.#redraw();
  }

  setMatches(matches: readonly boolean[] | undefined): void {
    this.#matches = matches;
    this.#redraw();
  }

  setRootAtBottom(rootAtBottom: boolean): void {
    this.#rootAtBottom = rootAtBottom;
    this.#resize();
    this.#scroller.scrollTop = rootAtBottom ? this.#scroller.scrollHeight : 0;
  }

  /** Shows a frame at full width, without telling the owner. */
  zoomTo(node: number): void {
    this.#zoomed = node;
    const start = this.#layout.start[node] as number;
    const total = this.#layout.tree.totalBytes[node] as number;
    this.#animateTo(total > 0 ? { from: start, to: start + total } : wholeOf(this.#layout));
    this.#reveal(node);
  }

  select(node: number): void {
    this.#selected = node;
    if (node !== NONE) this.#reveal(node);
    this.#events.onSelect(node);
    this.#redraw();
  }

  move(direction: Direction): void {
    const from = this.#selected === NONE ? this.#zoomed : this.#selected;
    if (this.#selected === NONE) {
      this.select(from);
      return;
    }
    const outward = this.#rootAtBottom ? 'down' : 'up';
    const sideways = direction === 'left' ? 'before' : 'after';
    const vertical = direction === outward ? 'outer' : 'inner';
    const isVertical = direction === 'up' || direction === 'down';
    const to = step(this.#layout, from, isVertical ? vertical : sideways);
    if (to !== undefined) this.select(to);
  }

  /** Where a frame is drawn, relative to the window. */
  boxOf(node: number): { x: number; y: number } {
    const bounds = this.#view.canvas.getBoundingClientRect();
    const scale = this.#view.width / (this.#range.to - this.#range.from);
    const x = Math.max(0, ((this.#layout.start[node] as number) - this.#range.from) * scale);
    const top = this.#view.rowTop(this.#scene(), this.#layout.depth[node] as number);
    return { x: bounds.left + x, y: bounds.top + top - this.#scroller.scrollTop + ROW_HEIGHT };
  }

  #scene(): Scene {
    return {
      layout: this.#layout,
      frames: this.#frames,
      view: this.#range,
      zoomed: this.#zoomed,
      hovered: this.#hovered,
      selected: this.#selected,
      matches: this.#matches,
      rootAtBottom: this.#rootAtBottom,
      theme: this.#theme,
    };
  }

  #listen(canvas: HTMLCanvasElement): void {
    canvas.addEventListener('pointermove', (event) => this.#hover(event));
    canvas.addEventListener('pointerleave', () => this.#setHovered(NONE, 0, 0));
    canvas.addEventListener('click', (event) => {
      const node = this.#nodeAt(event);
      if (node === undefined) return;
      // What lies under the pointer is about to change.
      this.#setHovered(NONE, 0, 0);
      this.select(node);
      this.#events.onZoom(node);
    });
    this.#scroller.addEventListener('scroll', () => {
      this.#setHovered(NONE, 0, 0);
      this.#redraw();
    });
  }

  #hover(event: PointerEvent): void {
    this.#setHovered(this.#nodeAt(event) ?? NONE, event.clientX, event.clientY);
  }

  #setHovered(node: number, x: number, y: number): void {
    const changed = node !== this.#hovered;
    this.#hovered = node;
    this.#view.canvas.style.cursor = node === NONE ? 'default' : 'pointer';
    this.#events.onHover(node, x, y);
    if (changed) this.#redraw();
  }

  #nodeAt(event: MouseEvent): number | undefined {
    const bounds = this.#view.canvas.getBoundingClientRect();
    const x = event.clientX - bounds.left;
    return this.#view.nodeAt(
      this.#scene(),
      x,
      event.clientY - bounds.top,
      this.#scroller.scrollTop,
    );
  }

  #resize(): void {
    this.#space.style.height = `${this.#layout.rows.length * ROW_HEIGHT}px`;
    this.#view.resize(this.#scroller.clientWidth, this.#scroller.clientHeight);
    // At once: a canvas that changed size is blank until it is drawn.
    this.#view.draw(this.#scene(), this.#scroller.scrollTop);
  }

  #print(): void {
    const height = Math.min(MAX_PRINT_HEIGHT, this.#layout.rows.length * ROW_HEIGHT);
    this.#view.resize(PRINT_WIDTH, height);
    this.#view.draw({ ...this.#scene(), theme: 'light', hovered: NONE, selected: NONE }, 0);
  }

  #redraw(): void {
    if (this.#queued) return;
    this.#queued = true;
    requestAnimationFrame(() => {
      this.#queued = false;
      this.#view.draw(this.#scene(), this.#scroller.scrollTop);
    });
  }

  #reveal(node: number): void {
    const top = this.#view.rowTop(this.#scene(), this.#layout.depth[node] as number);
    const { scrollTop, clientHeight } = this.#scroller;
    const margin = ROW_HEIGHT * 2;
    if (top - margin < scrollTop) this.#scroller.scrollTop = top - margin;
    else if (top + ROW_HEIGHT + margin > scrollTop + clientHeight) {
      this.#scroller.scrollTop = top + ROW_HEIGHT + margin - clientHeight;
    }
  }

  #animateTo(target: View): void {
    cancelAnimationFrame(this.#animation);
    if (this.#stillness.matches) {
      this.#range = target;
      this.#redraw();
      return;
    }
    const origin = this.#range;
    const began = performance.now();
    const frame = (now: number): void => {
      const part = Math.min(1, Math.max(0, (now - began) / ZOOM_MS));
      const eased = 1 - (1 - part) ** 3;
      this.#range =
        part === 1
          ? target
          : {
              from: origin.from + (target.from - origin.from) * eased,
              to: origin.to + (target.to - origin.to) * eased,
            };
      this.#view.draw(this.#scene(), this.#scroller.scrollTop);
      if (part < 1) this.#animation = requestAnimationFrame(frame);
    };
    this.#animation = requestAnimationFrame(frame);
  }
}

function wholeOf(layout: Layout): View {
  // A capture without memory still needs a range that can be divided by.
  return { from: 0, to: Math.max(1, layout.tree.totalBytes[0] as number) };
}
