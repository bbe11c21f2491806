// SPDX-License-Identifier: MIT
// The page of `memtape table`: controls change the state, the state fills the table.

import { csvOf } from '../../model/csv.js';
import { type EntryGroup, TABLE_COLUMNS, tableRow } from '../../report/table-rows.js';
import { isPressed, setPressed } from './controls.js';
import { byId, element } from './dom.js';
import { packageOf } from './filters.js';
import { findOverview, listenToDialogs } from './overview.js';
import { RowTable } from './row-table.js';
import { saveText } from './save.js';
import {
  allocatorName,
  type SortColumn,
  type TableSource,
  type TableState,
  tableGroups,
  tableLines,
} from './table-model.js';
import { ThemeSwitch } from './theme.js';
import { bytesText, countText, percentText } from './units.js';

const TYPING_MS = 120;

function findTableControls() {
  return {
    ...findOverview(),
    process: byId('filter-process', HTMLSelectElement),
    processLabel: byId('process-label', HTMLElement),
    thread: byId('filter-thread', HTMLSelectElement),
    allocator: byId('filter-allocator', HTMLSelectElement),
    package: byId('filter-package', HTMLSelectElement),
    splitThreads: byId('split-threads', HTMLButtonElement),
    saveCsv: byId('save-csv', HTMLButtonElement),
    saveJson: byId('save-json', HTMLButtonElement),
    search: byId('search', HTMLInputElement),
    regex: byId('regex', HTMLButtonElement),
    searchResult: byId('search-result', HTMLElement),
    rows: byId('rows', HTMLElement),
    table: byId('table', HTMLTableElement),
    detail: byId('detail', HTMLElement),
  };
}

type TableControls = ReturnType<typeof findTableControls>;

export interface TablePageOptions {
  readonly whole: number;
  readonly splitThreads: boolean;
  readonly redrawPlot: () => void;
}

export class TablePage {
  readonly controls: TableControls = findTableControls();
  readonly #source: TableSource;
  readonly #whole: number;
  readonly #table: RowTable;
  readonly #theme: ThemeSwitch;
  readonly #open = new Set<string>();
  #state: TableState;
  #groups: EntryGroup[] = [];
  #typing = 0;

  constructor(source: TableSource, options: TablePageOptions) {
    this.#source = source;
    this.#whole = options.whole;
    this.#state = {
      query: '',
      regex: false,
      process: '',
      thread: '',
      allocator: '',
      package: '',
      splitThreads: options.splitThreads,
      sortBy: 'bytes',
      descending: true,
    };
    this.#table = new RowTable({
      scroller: this.controls.rows,
      table: this.controls.table,
      frames: source.frames,
      threads: source.threads,
      whole: options.whole,
      onSort: (column) => this.#sort(column),
      onToggle: (key) => this.#toggle(key),
    });
    this.#theme = new ThemeSwitch(this.controls.theme, () => {
      options.redrawPlot();
      this.#showRows();
    });
    this.#fillFilters();
    this.#listen();
    this.#change({});
  }

  #fillFilters(): void {
    const { entries, frames, threads, processes } = this.#source;
    const fill = (select: HTMLSelectElement, values: readonly (readonly [string, string])[]) => {
      const options = values.map(([value, text]) => element('option', { value }, text));
      select.replaceChildren(element('option', { value: '' }, 'all'), ...options);
    };
    const names = [...new Set(processes.values())];
    this.controls.processLabel.hidden = names.length === 0;
    fill(
      this.controls.process,
      names.map((name) => [name, name]),
    );
    fill(
      this.controls.thread,
      Array.from(threads, ([id, name]) => [`${id}`, name] as const),
    );
    const allocators = new Set(entries.allocator.map(allocatorName));
    fill(
      this.controls.allocator,
      [...allocators].sort().map((name) => [name, name]),
    );
    // The package that holds the most is asked for the most.
    const bytes = new Map<string, number>();
    for (const [entry, site] of entries.site.entries()) {
      const frame = frames[site];
      if (frame === undefined) continue;
      const name = packageOf(frame);
      bytes.set(name, (bytes.get(name) ?? 0) + (entries.bytes[entry] as number));
    }
    const packages = [...bytes].sort(([, a], [, b]) => b - a).map(([name]) => name);
    fill(
      this.controls.package,
      packages.map((name) => [name, name]),
    );
  }

  #listen(): void {
    const { controls } = this;
    for (const name of ['process', 'thread', 'allocator', 'package'] as const) {
      controls[name].addEventListener('change', () =>
        this.#change({ [name]: controls[name].value }),
      );
    }
    for (const name of ['splitThreads', 'regex'] as const) {
      controls[name].addEventListener('click', () =>
        this.#change({ [name]: !isPressed(controls[name]) }),
      );
    }
    controls.search.addEventListener('input', () => {
      clearTimeout(this.#typing);
      this.#typing = window.setTimeout(
        () => this.#change({ query: controls.search.value }),
        TYPING_MS,
      );
    });
    controls.saveCsv.addEventListener('click', () => this.#save('csv'));
    controls.saveJson.addEventListener('click', () => this.#save('json'));
    listenToDialogs(controls);
    document.addEventListener('keydown', (event) => this.#key(event));
  }

  #key(event: KeyboardEvent): void {
    const { controls } = this;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector('dialog[open]') !== null) return;
    if (event.key === 'Escape') {
      controls.search.value = '';
      this.#change({ query: '' });
      return;
    }
    if (event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement)
      return;
    if (event.key === '/') controls.search.select();
    else if (event.key === 't') this.#theme.toggle();
    else if (event.key === 's') controls.stats.showModal();
    else if (event.key === '?') controls.help.showModal();
    else return;
    event.preventDefault();
  }

  /** Text ascends first, numbers descend first; the second click turns it round. */
  #sort(column: SortColumn): void {
    const { sortBy, descending } = this.#state;
    const isText = column === 'name' || column === 'allocator' || column === 'thread';
    this.#change({ sortBy: column, descending: column === sortBy ? !descending : !isText });
  }

  #toggle(key: string): void {
    if (!this.#open.delete(key)) this.#open.add(key);
    this.#showRows();
  }

  #change(change: Partial<TableState>): void {
    this.#state = { ...this.#state, ...change };
    const { controls } = this;
    setPressed(controls.splitThreads, this.#state.splitThreads);
    setPressed(controls.regex, this.#state.regex);
    let failed = false;
    try {
      this.#groups = tableGroups(this.#source, this.#state);
    } catch {
      failed = true; // The rows stay as they were while an expression is being typed.
    }
    controls.search.setAttribute('aria-invalid', `${failed}`);
    controls.searchResult.textContent = failed ? 'not a regular expression' : '';
    controls.rows.scrollTop = 0;
    this.#showRows();
  }

  #showRows(): void {
    this.#table.show(
      tableLines(this.#groups, this.#open, this.#source),
      this.#state,
      this.#theme.theme,
    );
    const bytes = this.#groups.reduce((sum, group) => sum + group.bytes, 0);
    const count = this.#groups.length;
    this.controls.detail.textContent =
      count === 0
        ? 'Nothing matches.'
        : `${countText(count)} ${count === 1 ? 'row' : 'rows'} · ${bytesText(bytes)} · ${percentText(bytes, this.#whole)}`;
  }

  #save(as: 'csv' | 'json'): void {
    const rows = this.#groups.map((group) => tableRow(group, this.#source));
    if (as === 'csv') saveText('memtape-table.csv', 'text/csv', csvOf(TABLE_COLUMNS, rows));
    else saveText('memtape-table.json', 'application/json', JSON.stringify(rows, null, 2));
  }
}
