// SPDX-License-Identifier: MIT
// Draws the part of a layout that can be seen. Knows pixels and bytes, nothing of input or state.

import { changeShare } from '../difference.js';
import type { AppFrame } from './app-frame.js';
import { changeText } from './difference.js';
import { firstBeyond, type Layout } from './layout.js';
import { CANVAS_COLOURS, changeColour, fillColour, type Theme } from './palette.js';
import { bytesText } from './units.js';

export const ROW_HEIGHT = 21;
const GAP = 1;
const TEXT_PADDING = 6;
/** Of what stands for boxes below a pixel. A row may be full of it: half as wide takes twice as long. */
const SLIVER_WIDTH = 2;
/** Narrower boxes get no text; nothing of it could be read. */
const MIN_TEXT_WIDTH = 26;
const FONT =
  '11.5px ui-monospace, "SF Mono", "Cascadia Code", "JetBrains Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace';

/** The range of bytes that fills the canvas from left to right. */
export interface View {
  readonly from: number;
  readonly to: number;
}

export interface Scene {
  readonly layout: Layout;
  readonly frames: readonly AppFrame[];
  readonly view: View;
  readonly zoomed: number;
  readonly hovered: number;
  readonly selected: number;
  /** By frame; undefined when nothing is searched. */
  readonly matches: readonly boolean[] | undefined;
  readonly rootAtBottom: boolean;
  readonly theme: Theme;
}

export class FlameView {
  readonly canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  /** By frame, of the theme that was drawn last. */
  #fills: (string | undefined)[] = [];
  #fillsOf: Theme = 'light';
  #charWidth = 7;
  #width = 0;
  #height = 0;

  constructor(canvas: HTMLCanvasElement) {
    this.canvas = canvas;
    const context = canvas.getContext('2d', { alpha: false });
    if (context === null) throw new Error('This browser has no canvas');
    this.#context = context;
  }

  get width(): number {
    return this.#width;
  }

  resize(width: number, height: number): void {
    const ratio = window.devicePixelRatio || 1;
    this.#width = width;
    this.#height = height;
    this.canvas.width = Math.max(1, Math.round(width * ratio));
    this.canvas.height = Math.max(1, Math.round(height * ratio));
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${height}px`;
    this.#context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.#context.font = FONT;
    this.#charWidth = this.#context.measureText('m').width;
  }

  /** Top of a row in the whole graph, before scrolling. */
  rowTop(scene: Scene, depth: number): number {
    const rows = scene.layout.rows.length;
    if (!scene.rootAtBottom) return depth * ROW_HEIGHT;
    return Math.max(rows * ROW_HEIGHT, this.#height) - (depth + 1) * ROW_HEIGHT;
  }

  nodeAt(scene: Scene, x: number, y: number, scrollTop: number): number | undefined {
    const { layout, view } = scene;
    const top = y + scrollTop;
    const depth = scene.rootAtBottom
      ? Math.floor((this.rowTop(scene, 0) + ROW_HEIGHT - top) / ROW_HEIGHT)
      : Math.floor(top / ROW_HEIGHT);
    const row = layout.rows[depth];
    const ends = layout.ends[depth];
    if (row === undefined || ends === undefined || x < 0 || x > this.#width) return undefined;
    const bytes = view.from + (x / this.#width) * (view.to - view.from);
    const node = row[firstBeyond(ends, bytes)];
    if (node === undefined || (layout.start[node] as number) > bytes) return undefined;
    return node;
  }

  draw(scene: Scene, scrollTop: number): void {
    const context = this.#context;
    context.fillStyle = CANVAS_COLOURS[scene.theme].background;
    context.fillRect(0, 0, this.#width, this.#height);
    context.font = FONT;
    context.textBaseline = 'middle';
    for (let depth = 0; depth < scene.layout.rows.length; depth++) {
      const top = this.rowTop(scene, depth) - scrollTop;
      if (top > this.#height || top + ROW_HEIGHT < 0) continue;
      this.#drawRow(scene, depth, top);
    }
    this.#drawOutline(scene, scene.hovered, scrollTop, 1);
    this.#drawOutline(scene, scene.selected, scrollTop, 2);
  }

  #drawRow(scene: Scene, depth: number, top: number): void {
    const { layout, view } = scene;
    const row = layout.rows[depth] as Uint32Array;
    const ends = layout.ends[depth] as Float64Array;
    const scale = this.#width / (view.to - view.from);
    let index = firstBeyond(ends, view.from);
    while (index < row.length) {
      const node = row[index] as number;
      const start = layout.start[node] as number;
      if (start >= view.to) break;
      const total = layout.tree.totalBytes[node] as number;
      const left = Math.max(0, (start - view.from) * scale);
      const right = Math.min(this.#width, (start + total - view.from) * scale);
      if (right - left < 0.75) {
        this.#drawSliver(scene, node, left, top);
        const to = view.from + (left + SLIVER_WIDTH) / scale;
        index = Math.max(index + 1, firstBeyond(ends, to, index));
        continue;
      }
      this.#drawBox(scene, node, left, right, top);
      index++;
    }
  }

  /** Boxes below a pixel are drawn as one and the others skipped: a row may hold a hundred thousand. */
  #drawSliver(scene: Scene, node: number, left: number, top: number): void {
    const context = this.#context;
    // Changing the context's alpha instead takes three times as long.
    context.fillStyle = paler(this.#fill(scene, node));
    context.fillRect(left, top, SLIVER_WIDTH - 0.5, ROW_HEIGHT - GAP);
  }

  #drawBox(scene: Scene, node: number, left: number, right: number, top: number): void {
    const context = this.#context;
    const colours = CANVAS_COLOURS[scene.theme];
    const frame = scene.layout.tree.frame[node] as number;
    const matched = scene.matches?.[frame] === true;
    const width = Math.max(0.75, right - left - GAP);
    context.fillStyle = matched ? colours.match : this.#fill(scene, node);
    context.fillRect(left, top, width, ROW_HEIGHT - GAP);
    const above =
      (scene.layout.depth[node] as number) < (scene.layout.depth[scene.zoomed] as number);
    const veiled = (scene.matches !== undefined && !matched) || above;
    if (veiled) {
      context.fillStyle = colours.veil;
      context.fillRect(left, top, width, ROW_HEIGHT - GAP);
    }
    if (width >= MIN_TEXT_WIDTH) this.#drawText(scene, node, left, width, top, matched);
  }

  /** Name, place, and at the right end the size: each only when all before it fits. */
  #drawText(
    scene: Scene,
    node: number,
    left: number,
    width: number,
    top: number,
    matched: boolean,
  ): void {
    const context = this.#context;
    const colours = CANVAS_COLOURS[scene.theme];
    const frame = scene.frames[scene.layout.tree.frame[node] as number];
    if (frame === undefined) return;
    const room = Math.floor((width - TEXT_PADDING * 2 + 3) / this.#charWidth);
    const name = cut(frame.label, room);
    const middle = top + (ROW_HEIGHT - GAP) / 2 + 0.5;
    context.fillStyle = matched ? colours.matchText : colours.text;
    context.fillText(name, left + TEXT_PADDING, middle);
    if (name.length < frame.label.length) return;
    if (!matched) context.fillStyle = colours.mutedText;
    let used = name.length + 2;
    if (frame.place !== '') {
      if (room - used < 6) return;
      const place = cut(frame.place, room - used);
      context.fillText(place, left + TEXT_PADDING + used * this.#charWidth, middle);
      used += place.length + 2;
    }
    const { difference, tree } = scene.layout;
    const size = difference
      ? changeText(difference, node)
      : bytesText(tree.totalBytes[node] as number);
    if (room - used < size.length) return;
    const right = left + width - TEXT_PADDING - size.length * this.#charWidth;
    context.fillText(size, right, middle);
  }

  #drawOutline(scene: Scene, node: number, scrollTop: number, thickness: number): void {
    if (node < 0 || node >= scene.layout.tree.size) return;
    const { layout, view } = scene;
    const scale = this.#width / (view.to - view.from);
    const start = layout.start[node] as number;
    const end = start + (layout.tree.totalBytes[node] as number);
    if (end <= view.from || start >= view.to) return;
    const left = Math.max(0, (start - view.from) * scale);
    const right = Math.min(this.#width, (end - view.from) * scale);
    const top = this.rowTop(scene, layout.depth[node] as number) - scrollTop;
    const context = this.#context;
    context.strokeStyle = CANVAS_COLOURS[scene.theme].outline;
    context.lineWidth = thickness;
    const inset = thickness / 2;
    const width = Math.max(2, right - left - GAP) - thickness;
    context.strokeRect(left + inset, top + inset, Math.max(1, width), ROW_HEIGHT - GAP - thickness);
  }

  #fill(scene: Scene, node: number): string {
    if (node === 0) return CANVAS_COLOURS[scene.theme].rootFill;
    const frame = scene.frames[scene.layout.tree.frame[node] as number];
    if (frame === undefined) return CANVAS_COLOURS[scene.theme].rootFill;
    const { difference } = scene.layout;
    if (difference) {
      const { before, after } = difference;
      const change = changeShare(before[node] as number, after[node] as number);
      return changeColour(scene.theme, change);
    }
    if (this.#fillsOf !== scene.theme) {
      this.#fillsOf = scene.theme;
      this.#fills = [];
    }
    const id = scene.layout.tree.frame[node] as number;
    let fill = this.#fills[id];
    if (fill === undefined) {
      fill = fillColour(scene.theme, frame.category, frame.hash);
      this.#fills[id] = fill;
    }
    return fill;
  }
}

const PALER = new Map<string, string>();

/** Of a colour as the palette writes it. */
function paler(colour: string): string {
  let found = PALER.get(colour);
  if (found === undefined) {
    found = colour.startsWith('hsl(') ? `hsla(${colour.slice(4, -1)}, 0.55)` : colour;
    PALER.set(colour, found);
  }
  return found;
}

function cut(text: string, room: number): string {
  if (text.length <= room) return text;
  return room <= 1 ? '' : `${text.slice(0, room - 1)}…`;
}
