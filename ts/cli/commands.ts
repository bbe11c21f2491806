// SPDX-License-Identifier: MIT
// The commands: what they are called, what they take, and where their code is, loaded when used.
import type { OptionName, Options } from './options.js';

/** Runs with the positional arguments; `dashes` tells whether `--` stood before them. */
export type Action = (args: string[], options: Options, dashes: boolean) => Promise<void>;

export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly usage: string;
  readonly options: readonly OptionName[];
  /** At most this many positional arguments; unlimited ones go to the program as they are. */
  readonly maxArgs: number;
  /** What --help says after the options. */
  readonly help?: string;
  readonly load: () => Promise<{ readonly action: Action }>;
}

/** The captures of several processes. */
const MANY = Number.MAX_SAFE_INTEGER;

export const commands: readonly CommandEntry[] = [
  {
    name: 'run',
    summary: 'record a program',
    usage: '[options] <script.js> [args…]\n       memtape run [options] -- <command> [args…]',
    options: [
      'outputCapture',
      'force',
      'quiet',
      'eval',
      'interval',
      'native',
      'jsHeapInterval',
      'follow',
      'noFollow',
      'confidentialFiles',
      'noCompress',
    ],
    maxArgs: Number.POSITIVE_INFINITY,
    help: `Examples:
  memtape run app.js --port 8080
  memtape run --native -o app.bin app.js
  memtape run --js-heap app.js
  memtape run -e "require('./import')()"
  memtape run -- npm test`,
    load: () => import('./commands/run.js'),
  },
  {
    name: 'env',
    summary: 'print the environment that records any command',
    usage: '[options]',
    options: ['outputCapture', 'force', 'interval', 'native', 'jsHeapInterval', 'follow', 'json'],
    maxArgs: 0,
    help: `Examples:
  eval "$(memtape env -o app.%p.bin)"; node app.js
  memtape env --json --native`,
    load: () => import('./commands/env.js'),
  },
  {
    name: 'flamegraph',
    summary: 'write an HTML page: which stacks held the memory at the peak',
    usage: '[options] <capture>...',
    options: [
      'output',
      'force',
      'quiet',
      'json',
      'csv',
      'leaks',
      'jsHeap',
      'temporaryAllocations',
      'temporaryAllocationThreshold',
      'temporal',
      'splitThreads',
      'inverted',
      'maxMemoryRecords',
      'confidentialFiles',
      'noFold',
    ],
    maxArgs: MANY,
    help: `Examples:
  memtape flamegraph memtape-app.1234.bin
  memtape flamegraph --leaks --split-threads -o leaks.html memtape-app.1234.bin
  memtape flamegraph --temporal --leaks memtape-app.1234.bin
  memtape flamegraph memtape-app.*.bin     # several processes, each at its own peak
  memtape flamegraph --json memtape-app.1234.bin | jq .stats.peak_memory`,
    load: () => import('./commands/flamegraph.js'),
  },
  {
    name: 'table',
    summary: 'write an HTML table: which lines asked for the memory, by which stacks',
    usage: '[options] <capture>...',
    options: [
      'output',
      'force',
      'quiet',
      'json',
      'csv',
      'leaks',
      'jsHeap',
      'temporaryAllocations',
      'temporaryAllocationThreshold',
      'splitThreads',
      'noFold',
    ],
    maxArgs: MANY,
    help: `Examples:
  memtape table memtape-app.1234.bin
  memtape table --leaks --csv memtape-app.1234.bin > leaks.csv`,
    load: () => import('./commands/table.js'),
  },
  {
    name: 'summary',
    summary: 'print a table: which functions held the memory at the peak',
    usage: '[options] <capture>...',
    options: [
      'json',
      'csv',
      'maxRows',
      'sort',
      'leaks',
      'jsHeap',
      'temporaryAllocations',
      'temporaryAllocationThreshold',
    ],
    maxArgs: MANY,
    help: `Examples:
  memtape summary -s own -r 10 memtape-app.1234.bin
  memtape summary --leaks --csv memtape-app.1234.bin > leaks.csv`,
    load: () => import('./commands/summary.js'),
  },
  {
    name: 'stats',
    summary: 'print totals, sizes, allocators and the largest places',
    usage: '[options] <capture>...',
    options: [
      'json',
      'csv',
      'numLargest',
      'leaks',
      'temporaryAllocations',
      'temporaryAllocationThreshold',
    ],
    maxArgs: MANY,
    help: `Examples:
  memtape stats memtape-app.1234.bin
  memtape stats --json memtape-app.1234.bin | jq .peak_memory
  memtape stats --temporary-allocations -n 20 memtape-app.1234.bin`,
    load: () => import('./commands/stats.js'),
  },
  {
    name: 'tree',
    summary: 'walk through the stacks that held most, with their source',
    usage: '[options] <capture>...',
    options: [
      'json',
      'csv',
      'biggestAllocs',
      'inverted',
      'leaks',
      'temporaryAllocations',
      'temporaryAllocationThreshold',
    ],
    maxArgs: MANY,
    help: `In a terminal: arrows move, open and close, e opens the biggest branch, n shows
Node.js's own frames, i inverts, o opens the source in $EDITOR, / searches, ? lists
all keys, q quits. Into a pipe it prints the tree:
  memtape tree memtape-app.1234.bin | less
  memtape tree --inverted --csv memtape-app.1234.bin > tree.csv`,
    load: () => import('./commands/tree.js'),
  },
  {
    name: 'leaks',
    summary: 'say whether memory leaks, warms up or fragments, and where it grows',
    usage: '[options] <capture>',
    options: ['json', 'csv', 'maxRows', 'from', 'to'],
    maxArgs: 1,
    help: `Full collections tell what is kept from what is garbage: a service has them under load,
a test can call gc() (node --expose-gc). Leave out the start, which always grows:
  memtape leaks --from 30s memtape-server.1234.bin
  memtape leaks --from warm --to done memtape-server.1234.bin   # marks of a Tracker

Verdicts: leak, warm-up (growth has stopped), fragmentation (RSS grows, what is live
does not), steady, undecided. The lines below say why.`,
    load: () => import('./commands/leaks.js'),
  },
  {
    name: 'rss',
    summary: 'say what resident memory is made of, at its peak and at the end',
    usage: '[options] <capture>',
    options: ['output', 'force', 'quiet', 'json', 'csv'],
    maxArgs: 1,
    help: `With -o it writes an HTML page with the picture, or the data.

Verdicts: fragmentation (freed memory between live blocks), retained (freed pages that
malloc keeps), blocks, v8-objects, v8-pages (more than its objects need), v8-other,
mappings, files, stacks, unknown, baseline. The lines below say why and what helps.

Examples:
  memtape rss memtape-server.1234.bin
  memtape rss -o rss.html memtape-server.1234.bin`,
    load: () => import('./commands/rss.js'),
  },
  {
    name: 'diff',
    summary: 'compare two captures: what grew, what is new, what is gone',
    usage: '[options] <before> <after>',
    options: ['json', 'csv', 'maxRows', 'leaks', 'html', 'force', 'failOnIncrease'],
    maxArgs: 2,
    help: `Functions are matched by name and file, so that edits above them do not matter.

In a pipeline, with a capture of the last release beside the new one:
  memtape diff --fail-on-increase 5% release.bin now.bin

Exit code 0: within the limit, or none was given. 1: above it, or it could not be
compared. 2: wrong use.`,
    load: () => import('./commands/diff.js'),
  },
  {
    name: 'transform',
    summary: 'write the memory in the format of another tool',
    usage: '[options] <format> <capture>...',
    options: [
      'output',
      'force',
      'quiet',
      'leaks',
      'temporaryAllocations',
      'temporaryAllocationThreshold',
    ],
    maxArgs: MANY,
    help: `Formats:
  gprof2dot    call graph, for gprof2dot -f json and Graphviz
  csv          a row for each stack, thread and allocator
  speedscope   https://www.speedscope.app
  pprof        go tool pprof, and most profile stores
  collapsed    flamegraph.pl, inferno: root;caller;leaf bytes
  heapprofile  the Memory panel of Chrome DevTools
  perfetto     the timeline, as trace events: https://ui.perfetto.dev

Examples:
  memtape transform speedscope memtape-app.1234.bin
  memtape transform pprof --leaks -o leaks.pb.gz memtape-app.1234.bin
  memtape transform collapsed -o - memtape-app.1234.bin | grep node_modules`,
    load: () => import('./commands/transform.js'),
  },
  {
    name: 'parse',
    summary: 'print every record, one a line',
    usage: '[options] <capture>',
    options: ['json'],
    maxArgs: 1,
    help: `Examples:
  memtape parse memtape-app.1234.bin | grep '^mark '
  memtape parse --json memtape-app.1234.bin | head`,
    load: () => import('./commands/parse.js'),
  },
  {
    name: 'finalize',
    summary: 'embed names in a capture and compress it, as run does at the end',
    usage: '[options] <capture>',
    options: ['quiet', 'confidentialFiles', 'noCompress'],
    maxArgs: 1,
    help: `Example:
  memtape finalize memtape-app.1234.bin`,
    load: () => import('./commands/finalize.js'),
  },
];
