// SPDX-License-Identifier: MIT
// What the reader of a tree has opened, selected and searched.

import type { Frame } from '../model/frame.js';
import { frameText } from '../model/frame.js';
import type { TreeReport, TreeView } from '../report/tree.js';

export interface TreeRow {
  readonly node: number;
  readonly depth: number;
}

const ROOT = 0;

export class TreeState {
  readonly report: TreeReport;
  #view: TreeView;
  #open = new Set<number>();
  #rows: readonly TreeRow[] = [];
  #selected = 0;

  constructor(report: TreeReport) {
    this.report = report;
    this.#view = report.plain;
    this.#restart();
  }

  get view(): TreeView {
    return this.#view;
  }

  get rows(): readonly TreeRow[] {
    return this.#rows;
  }

  /** Index in `rows`. */
  get selected(): number {
    return this.#selected;
  }

  get node(): number {
    return this.#rows[this.#selected]?.node ?? ROOT;
  }

  get showsNode(): boolean {
    return this.#view === this.report.full;
  }

  frame(node: number): Frame {
    return this.#view.frames[this.#view.tree.frame[node] as number] as Frame;
  }

  isOpen(node: number): boolean {
    return this.#open.has(node);
  }

  isLeaf(node: number): boolean {
    return this.#view.children(node).length === 0;
  }

  move(by: number): void {
    this.#selected = Math.min(this.#rows.length - 1, Math.max(0, this.#selected + by));
  }

  /** Opens what is closed; goes into what is open. */
  enter(): void {
    const { node } = this;
    if (this.isLeaf(node)) return;
    if (this.isOpen(node)) this.move(1);
    else this.#change(() => this.#open.add(node));
  }

  /** Closes what is open; else goes to the caller. */
  leave(): void {
    const { node } = this;
    if (this.isOpen(node)) this.#change(() => this.#open.delete(node));
    else if (node !== ROOT) this.#select(this.#view.tree.parent[node] as number);
  }

  toggle(): void {
    if (this.isOpen(this.node)) this.leave();
    else this.enter();
  }

  /** Opens what the selected frame called, and what that called, as long as one branch holds most. */
  openBiggest(): void {
    this.#change(() => this.#openChain(this.node));
  }

  toggleNodeInternals(): void {
    this.#view = this.showsNode ? this.report.plain : this.report.full;
    this.#restart();
  }

  /** Selects the next frame, from the top and after the selected one, whose text has this; opens what is above it. */
  find(text: string, direction: 1 | -1): boolean {
    const wanted = text.toLowerCase();
    const { size } = this.#view.tree;
    const order = this.#order();
    const at = order.indexOf(this.node);
    for (let step = 1; step <= size; step++) {
      const node = order[(at + direction * step + 2 * size) % size] as number;
      if (node === ROOT || !this.#text(node).includes(wanted)) continue;
      this.#change(() => {
        for (let above = node; above !== ROOT; above = this.#view.tree.parent[above] as number) {
          if (above !== node) this.#open.add(above);
        }
      });
      this.#select(node);
      return true;
    }
    return false;
  }

  #text(node: number): string {
    const frame = this.frame(node);
    return `${frameText(frame)} ${frame.package} ${frame.module}`.toLowerCase();
  }

  /** All nodes as they stand on the screen when everything is open. */
  #order(): number[] {
    const order: number[] = [];
    const pending = [ROOT];
    for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
      order.push(node);
      pending.push(...[...this.#view.children(node)].reverse());
    }
    return order;
  }

  #restart(): void {
    this.#open = new Set([ROOT]);
    this.#selected = 0;
    this.#openChain(ROOT);
    this.#rows = this.#visible();
  }

  /** The largest child each time: a reader mostly wants to get to its end. */
  #openChain(from: number): void {
    for (let node = from; !this.isLeaf(node); node = this.#view.children(node)[0] as number) {
      this.#open.add(node);
    }
  }

  #change(change: () => void): void {
    const { node } = this;
    change();
    this.#rows = this.#visible();
    this.#select(node);
  }

  #select(node: number): void {
    const index = this.#rows.findIndex((row) => row.node === node);
    if (index >= 0) this.#selected = index;
  }

  #visible(): TreeRow[] {
    const rows: TreeRow[] = [];
    const pending: TreeRow[] = [{ node: ROOT, depth: 0 }];
    for (let row = pending.pop(); row !== undefined; row = pending.pop()) {
      rows.push(row);
      if (!this.isOpen(row.node)) continue;
      const children = this.#view.children(row.node);
      for (let i = children.length - 1; i >= 0; i--) {
        pending.push({ node: children[i] as number, depth: row.depth + 1 });
      }
    }
    return rows;
  }
}
