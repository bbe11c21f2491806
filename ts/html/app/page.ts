// SPDX-License-Identifier: MIT
// One state, and everything on the page follows it: controls change the state, the state draws the views.

import type { PageData, PageSlices } from '../page-data.js';
import { AddressBar } from './address-bar.js';
import { ownBytes } from './answering.js';
import { type Controls, isPressed, setPressed } from './controls.js';
import { changeLegend, changeSentence } from './difference.js';
import { FilterBar } from './filter-bar.js';
import { FILTER_KEYS, isFiltering } from './filters.js';
import { FlameGraph } from './flame-graph.js';
import { listenToKeys } from './keyboard.js';
import { type Layout, nodeOfPath, pathId } from './layout.js';
import { categoryLegend } from './legend.js';
import { listenToDialogs } from './overview.js';
import type { Plot } from './plot.js';
import { frameMatcher, type SearchResult, search } from './search.js';
import { type State, stateFromHash } from './state.js';
import { TableView } from './table-view.js';
import { ThemeSwitch } from './theme.js';
import { rangeFromText, rangeText, type TimeRange } from './time-range.js';
import { describeFrame, Tooltip } from './tooltip.js';
import type { FrameSum, Selection, Trees } from './trees.js';
import { bytesText, countText, durationText, percentText } from './units.js';

const NONE = -1;
const TYPING_MS = 120;

const WHOLE_NAMES: Record<string, string> = {
  peak: 'the peak',
  leaked: 'what leaked',
  temporary: 'temporary memory',
  allocated: 'all allocated',
  js_heap_peak: 'the JS heap',
  js_heap_end: 'the JS heap',
};

export class Page {
  readonly #controls: Controls;
  readonly #trees: Trees;
  readonly #wholeName: string;
  readonly #graph: FlameGraph;
  readonly #table: TableView;
  readonly #tooltip: Tooltip;
  readonly #theme: ThemeSwitch;
  readonly #address: AddressBar;
  readonly #filters: FilterBar;
  readonly #plot: Plot | undefined;
  readonly #slices: PageSlices | undefined;
  readonly #isLeaked: boolean;
  readonly #isDifference: boolean;
  #state: State;
  #found: SearchResult | undefined;
  #foundAt = NONE;
  #typing = 0;
  #clicked = 0;

  constructor(
    controls: Controls,
    trees: Trees,
    { kind, slices, isDifference }: Pick<PageData, 'kind' | 'slices' | 'isDifference'>,
    plot: Plot | undefined,
  ) {
    this.#controls = controls;
    this.#trees = trees;
    this.#wholeName = slices ? 'what is shown' : (WHOLE_NAMES[kind] ?? 'the whole');
    this.#plot = plot;
    this.#slices = slices;
    this.#isLeaked = kind === 'leaked';
    this.#isDifference = isDifference;
    this.#state = stateFromHash(location.hash);
    controls.filters.hidden = isDifference;
    this.#filters = new FilterBar(controls, (change) => this.#change(change));
    this.#tooltip = new Tooltip(controls.tooltip);
    this.#table = new TableView(controls.table, (sum) => this.#findInGraph(sum));
    const elements = { scroller: controls.graph, space: controls.space, canvas: controls.canvas };
    this.#graph = new FlameGraph(elements, this.#layout(this.#state), trees.frames, {
      onZoom: (node) => this.#zoom(node),
      onHover: (node, x, y) => this.#hover(node, x, y),
      onSelect: (node) => this.#describe(node),
    });
    this.#theme = new ThemeSwitch(controls.theme, () => {
      this.#applyTheme();
      plot?.redraw();
    });
    this.#address = new AddressBar((state) => this.#apply(state));
    controls.search.value = this.#state.query;
    plot?.onRange((range, isChosen) => this.#chooseRange(range, isChosen));
    this.#listen();
    this.#graph.setTheme(this.#theme.theme);
    this.#apply(this.#state);
  }

  /** Makes everything visible agree with `state`. */
  #apply(state: State): void {
    const before = this.#state;
    this.#state = state;
    const layout = this.#layout(state);
    if (layout !== this.#graph.layout) this.#graph.setLayout(layout);
    const controls = this.#controls;
    setPressed(controls.inverted, state.inverted);
    setPressed(controls.hideNode, !state.showNode);
    setPressed(controls.hideLoading, state.hideLoading);
    setPressed(controls.hideModules, state.hideModules);
    if (!isSameMemory(before, state) || before === state) {
      this.#showAmounts(layout);
      this.#showLegend();
    }
    setPressed(controls.regex, state.regex);
    // Not always: what is being typed is in the state only after a moment.
    if (state.query !== before.query) controls.search.value = state.query;
    this.#search();
    this.#showView(state.view);
    const node = this.#nodeOf(state.zoom);
    if (node !== this.#graph.zoomed) this.#graph.zoomTo(node);
    controls.reset.disabled = node === 0;
    controls.back.disabled = !this.#address.canGoBack;
    controls.forward.disabled = !this.#address.canGoForward;
    if (state.view === 'table') this.#fillTable();
    this.#describe(this.#graph.selected);
  }

  #range(state: State): TimeRange {
    return this.#slices ? rangeFromText(state.range, this.#slices) : { from: 0, to: 0 };
  }

  #selection(state: State): Selection {
    const { inverted, process, thread, allocator, package: owner } = state;
    return {
      inverted,
      process,
      thread,
      allocator,
      package: owner,
      hidden: { node: !state.showNode, loading: state.hideLoading, modules: state.hideModules },
      ...this.#range(state),
    };
  }

  #layout(state: State): Layout {
    return this.#trees.layout(this.#selection(state));
  }

  /** How much is shown, of how much. */
  #showAmounts(layout: Layout): void {
    const range = this.#range(this.#state);
    const whole = this.#trees.totalBytes(range);
    this.#filters.show(this.#state, this.#trees, range);
    this.#filters.showTotal(this.#state, layout.tree.totalBytes[0] as number, whole);
    if (this.#slices === undefined) return;
    const [from, to] = [range.from, range.to].map((edge) => this.#slices?.edgesMs[edge] ?? 0);
    const time = `${durationText(from ?? 0)} – ${durationText(to ?? 0)}`;
    const what = this.#isLeaked ? 'allocated in it and live at its end' : 'at its peak';
    this.#plot?.showRange(range, `${time}: ${bytesText(whole)} ${what}`);
  }

  #chooseRange(range: TimeRange, isChosen: boolean): void {
    if (this.#slices === undefined) return;
    const state = { ...this.#state, range: rangeText(range, this.#slices) };
    // Browsers do not like addresses that change with every frame.
    if (isChosen) this.#address.write(state, true);
    this.#apply(state);
  }

  #change(change: Partial<State>, asStep = true): void {
    const state = { ...this.#state, ...change };
    this.#address.write(state, asStep);
    this.#apply(state);
  }

  #nodeOf(path: string): number {
    const { layout } = this.#graph;
    if (path === '') return 0;
    // Mostly it is the one that was clicked, and a search through a million nodes takes its time.
    if (this.#clicked < layout.tree.size && pathId(layout, this.#clicked) === path) {
      return this.#clicked;
    }
    return nodeOfPath(layout, path) ?? 0;
  }

  #zoom(node: number): void {
    const { layout } = this.#graph;
    this.#clicked = node;
    this.#change({ zoom: node === 0 ? '' : pathId(layout, node) });
  }

  #listen(): void {
    const controls = this.#controls;
    const on = (button: HTMLButtonElement, act: () => void) =>
      button.addEventListener('click', act);
    on(controls.graphTab, () => this.#change({ view: 'graph' }));
    on(controls.tableTab, () => this.#change({ view: 'table' }));
    on(controls.back, () => this.#address.back());
    on(controls.forward, () => this.#address.forward());
    on(controls.reset, () => this.#change({ zoom: '' }));
    on(controls.inverted, () => this.#toggleShape({ inverted: !this.#state.inverted }));
    on(controls.hideNode, () => this.#toggleShape({ showNode: !this.#state.showNode }));
    on(controls.hideLoading, () => this.#toggleShape({ hideLoading: !this.#state.hideLoading }));
    on(controls.hideModules, () => this.#toggleShape({ hideModules: !this.#state.hideModules }));
    on(controls.flames, () => this.#setFlames(!isPressed(controls.flames)));
    on(controls.regex, () => this.#change({ regex: !this.#state.regex }, false));
    on(controls.searchClear, () => this.#clearSearch());
    controls.search.addEventListener('input', () => this.#typed());
    controls.search.addEventListener('keydown', (event) => {
      if (event.key === 'Enter') this.#nextMatch(event.shiftKey ? -1 : 1);
    });
    listenToDialogs(controls);
    this.#listenToKeys();
  }

  #listenToKeys(): void {
    const controls = this.#controls;
    const toggles = {
      inverted: () => controls.inverted.click(),
      flames: () => controls.flames.click(),
      node: () => controls.hideNode.click(),
      loading: () => controls.hideLoading.click(),
      modules: () => controls.hideModules.click(),
      theme: () => this.#theme.toggle(),
      stats: () => controls.stats.showModal(),
      help: () => controls.help.showModal(),
      table: () => this.#change({ view: this.#state.view === 'table' ? 'graph' : 'table' }),
    };
    listenToKeys(controls.canvas, {
      move: (direction) => this.#graph.move(direction),
      zoomToSelected: () => {
        if (this.#graph.selected !== NONE) this.#zoom(this.#graph.selected);
      },
      zoomOut: () => this.#address.back(),
      escape: () => this.#escape(),
      focusSearch: () => controls.search.select(),
      toggle: (what) => toggles[what](),
    });
  }

  /** Undoes the latest of: a search, a zoom, a selection. */
  #escape(): void {
    this.#tooltip.hide();
    if (this.#controls.search.value !== '') this.#clearSearch();
    else if (this.#state.zoom !== '') this.#change({ zoom: '' });
    else this.#graph.select(NONE);
  }

  /** Paths mean something else in another shape, so the zoom ends. */
  #toggleShape(change: Partial<State>): void {
    this.#change({ ...change, zoom: '' });
  }

  #setFlames(flames: boolean): void {
    setPressed(this.#controls.flames, flames);
    this.#graph.setRootAtBottom(flames);
  }

  #showView(view: State['view']): void {
    const isGraph = view === 'graph';
    this.#controls.graph.hidden = !isGraph;
    this.#controls.table.hidden = isGraph;
    this.#controls.graphTab.setAttribute('aria-selected', `${isGraph}`);
    this.#controls.tableTab.setAttribute('aria-selected', `${!isGraph}`);
    document.documentElement.dataset['view'] = view;
  }

  #fillTable(): void {
    const { query, regex } = this.#state;
    let sums = this.#trees.sums({ ...this.#selection(this.#state), inverted: false });
    if (query !== '' && this.#found !== undefined) {
      const matches = frameMatcher({ text: query, regex });
      sums = sums.filter((sum) => matches(sum.frame));
    }
    this.#table.show(sums, this.#shownBytes, this.#theme.theme);
  }

  get #shownBytes(): number {
    return this.#graph.layout.tree.totalBytes[0] as number;
  }

  #findInGraph(sum: FrameSum): void {
    this.#change({ view: 'graph', query: sum.frame.text, regex: false, zoom: '' });
    this.#nextMatch(1);
  }

  #typed(): void {
    clearTimeout(this.#typing);
    this.#typing = window.setTimeout(() => {
      this.#change({ query: this.#controls.search.value }, false);
    }, TYPING_MS);
  }

  #clearSearch(): void {
    clearTimeout(this.#typing);
    this.#controls.search.value = '';
    this.#change({ query: '' }, false);
  }

  #search(): void {
    const { query, regex } = this.#state;
    const { search: input, searchResult, searchClear } = this.#controls;
    this.#foundAt = NONE;
    this.#found = undefined;
    let text = '';
    let failed = false;
    if (query !== '') {
      try {
        this.#found = search(this.#graph.layout, this.#trees.frames, { text: query, regex });
        text = this.#foundText(this.#found);
      } catch {
        failed = true;
        text = 'not a regular expression';
      }
    }
    input.setAttribute('aria-invalid', `${failed}`);
    searchResult.textContent = text;
    searchClear.hidden = query === '';
    this.#graph.setMatches(this.#found?.matches);
  }

  #foundText({ nodes, bytes, count }: SearchResult): string {
    const boxes = `${countText(nodes.length)} ${nodes.length === 1 ? 'box' : 'boxes'}`;
    if (this.#graph.layout.difference) return `${boxes} · ${bytesText(count)} after`;
    return `${boxes} · ${bytesText(bytes)} · ${percentText(bytes, this.#shownBytes)}`;
  }

  /** Largest first, as the result lists them. */
  #nextMatch(by: 1 | -1): void {
    const nodes = this.#found?.nodes ?? [];
    if (nodes.length === 0) return;
    this.#foundAt =
      this.#foundAt === NONE && by < 0
        ? nodes.length - 1
        : (this.#foundAt + by + nodes.length) % nodes.length;
    this.#graph.select(nodes[this.#foundAt] as number);
  }

  #hover(node: number, x: number, y: number): void {
    if (node === NONE) {
      this.#tooltip.hide();
      return;
    }
    const { layout } = this.#graph;
    const frame = this.#trees.frames[layout.tree.frame[node] as number];
    if (frame === undefined) return;
    const content = describeFrame({
      layout,
      node,
      frame,
      theme: this.#theme.theme,
      wholeName: this.#shownName,
      inverted: this.#state.inverted,
    });
    this.#tooltip.show(content, x, y);
  }

  /** The status line says what is selected; screen readers hear it. */
  #describe(node: number): void {
    const { layout } = this.#graph;
    const { tree } = layout;
    const shown = node === NONE ? 0 : node;
    const frame = this.#trees.frames[tree.frame[shown] as number];
    const total = tree.totalBytes[shown] as number;
    const name = shown === 0 ? 'Everything' : (frame?.text ?? '');
    if (layout.difference) {
      this.#controls.detail.textContent = `${name} — ${changeSentence(layout.difference, shown)}`;
      return;
    }
    const self = this.#state.inverted ? '' : `, self ${bytesText(ownBytes(layout, shown))}`;
    const share = percentText(total, tree.totalBytes[0] as number);
    this.#controls.detail.textContent =
      `${name} — total ${bytesText(total)} (${share} of ${this.#shownName})${self}, ` +
      `${countText(tree.totalCount[shown] as number)} blocks`;
  }

  get #shownName(): string {
    return isFiltering(this.#state) ? 'what is shown' : this.#wholeName;
  }

  #applyTheme(): void {
    const { theme } = this.#theme;
    this.#graph.setTheme(theme);
    this.#showLegend();
    if (this.#state.view === 'table') this.#fillTable();
  }

  #showLegend(): void {
    const { theme } = this.#theme;
    const selection = this.#selection(this.#state);
    const legend = this.#isDifference
      ? changeLegend(this.#trees.shown({ ...selection, ...UNSHAPED }), theme)
      : categoryLegend(this.#trees.categories(selection), theme);
    this.#controls.legend.replaceChildren(...legend);
  }
}

/** What the shape of the graph hides is in the legend all the same. */
const UNSHAPED = { inverted: false, hidden: { node: false, loading: false, modules: false } };

/** Whether two states show the same memory, in whatever shape. */
function isSameMemory(a: State, b: State): boolean {
  return FILTER_KEYS.every((key) => a[key] === b[key]) && a.range === b.range;
}
