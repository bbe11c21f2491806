// SPDX-License-Identifier: MIT
// A finalized capture says the same where nothing of the program is: no sources, no libraries, no tools.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { beforeAll, describe, expect, test } from 'vitest';
import { type CommandEntry, commands } from '../../ts/cli/commands.js';
import { EXPORT_FORMATS } from '../../ts/report/export/formats.js';
import { EmptyRoot, enter } from '../support/empty-root.js';
import { lastingFolderOf } from '../support/folder.js';
import { checkBundle, cli, finishing, memtape, plainEnvironment } from '../support/memtape.js';
import { run } from '../support/native.js';
import { headersOf, nodes } from '../support/nodes.js';
import { recordingEnvironment } from '../support/recording.js';

const addonSource = fileURLToPath(new URL('fixtures/lines.cc', import.meta.url));
const node = nodes().find((one) => headersOf(one) !== undefined);

/** A minified program with a source map and a worker; a dependency that is an addon with debug information. */
function project(): string {
  const folder = lastingFolderOf({
    'package.json': '{ "name": "shop", "version": "0.3.0" }',
    'src/cart.ts': `import { Worker } from 'node:worker_threads';
import fill from 'filler';
const kept: unknown[] = [];
export function fillCart(count: number): void {
  for (let i = 0; i < count; i++) kept.push(Buffer.alloc(100_003), new Array(1000));
}
fillCart(Number(process.argv[2]));
fill();
const worker = new Worker(__dirname + '/../src/stock.js');
worker.on('exit', () => {
  console.log('filled');
  if (process.argv[3] === 'on') setInterval(() => fillCart(1), 1);
});
`,
    'src/stock.js': 'globalThis.kept = Buffer.alloc(2_000_003);\n',
    'node_modules/filler/package.json':
      '{ "name": "filler", "version": "2.4.6", "main": "lines.node" }',
  });
  const addon = join(folder, 'node_modules/filler/lines.node');
  const include = node && headersOf(node);
  run('g++', '-g', '-O2', '-shared', '-fPIC', `-I${include}`, '-o', addon, addonSource);
  buildSync({
    entryPoints: [join(folder, 'src/cart.ts')],
    outfile: join(folder, 'dist/cart.js'),
    bundle: true,
    minify: true,
    sourcemap: true,
    format: 'cjs',
    external: ['filler'],
    platform: 'node',
  });
  return folder;
}

function record(folder: string, name: string, count: number): string {
  const options = ['run', '-q', '--native', '--js-heap=4096', '-o', name, '--'];
  const { status, stderr } = memtape(
    [...options, node?.path ?? '', 'dist/cart.js', String(count)],
    {
      cwd: folder,
    },
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return join(folder, name);
}

/** Recorded by the environment alone, and killed while it allocates. */
async function recordAndKill(folder: string): Promise<string> {
  const capture = join(folder, 'killed.bin');
  const settings = { MEMTAPE_NATIVE: '1', MEMTAPE_JS_HEAP: '4096' };
  const env = { ...plainEnvironment(), ...recordingEnvironment(capture, settings) };
  const program = spawn(node?.path ?? '', ['dist/cart.js', '20', 'on'], { cwd: folder, env });
  await once(program.stdout, 'data');
  program.kill('SIGKILL');
  await once(program, 'exit');
  expect(existsSync(`${capture}.rings`)).toBe(true);
  return capture;
}

/** What a report can be asked for; the captures come last. */
function calls({ name, options }: CommandEntry): string[][] {
  if (name === 'transform') {
    return Object.keys(EXPORT_FORMATS).map((format) => [name, '-o', '-', format]);
  }
  const plain = options.includes('output') ? [name, '-o', '-'] : [name];
  const data = (['json', 'csv'] as const).filter((option) => options.includes(option));
  const heap = options.includes('jsHeap') ? [[name, '--js-heap', '--csv']] : [];
  return [plain, ...data.map((option) => [name, `--${option}`]), ...heap];
}

const reports = commands.filter(({ name }) => !['run', 'env', 'finalize'].includes(name));

/** It needs chroot or unshare -r, and the headers of Node.js. */
describe.skipIf(!node || !enter)('in a root directory with nothing but Node.js and memtape', () => {
  let folder = '';
  let root: EmptyRoot;
  let [finished, killed] = ['', ''];

  beforeAll(async () => {
    checkBundle();
    root = new EmptyRoot();
    folder = project();
    finished = record(folder, 'cart.bin', 20);
    killed = await recordAndKill(folder);
    // As the program left it: its names come from the program's files.
    const unfinished = killed.replace('killed', 'unfinished');
    for (const end of ['', '.rings']) copyFileSync(killed + end, unfinished + end);
    const { status, stderr } = memtape(['finalize', '-q', killed]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    for (const file of [finished, killed]) root.add(file);
  });

  test.each(reports.map((entry): [string, CommandEntry] => [entry.name, entry]))(
    'memtape %s says what it says beside the program',
    async (name, entry) => {
      const captures = name === 'diff' ? [finished, killed] : [finished];
      for (const call of calls(entry)) {
        const [here, there] = await Promise.all([
          finishing(process.execPath, [cli, ...call, ...captures]),
          root.memtape([...call, ...captures.map(EmptyRoot.pathOf)]),
        ]);
        expect({ call, ...here, stdout: '' }).toMatchObject({ call, status: 0, stdout: '' });
        expect(here.stdout.length).toBeGreaterThan(100);
        expect({ call, ...there, stdout: '' }).toEqual({ call, ...here, stdout: '' });
        expect(there.stdout === here.stdout, call.join(' ')).toBe(true);
      }
    },
    240_000,
  );

  test.each([
    ['table', '--csv'],
    ['tree', '--csv'],
    ['transform', '-o', '-', 'collapsed'],
    ['rss', '--csv'],
  ])(
    'memtape %s says of a killed program what it said before its capture was finalized',
    async (...call) => {
      const unfinished = killed.replace('killed', 'unfinished');
      const [here, there] = await Promise.all([
        finishing(process.execPath, [cli, ...call, unfinished]),
        root.memtape([...call, EmptyRoot.pathOf(killed)]),
      ]);
      expect(there.status).toBe(0);
      expect(there.stdout === here.stdout).toBe(true);
    },
    240_000,
  );

  test.each(['finished', 'killed'])(
    'a %s capture has lines, sources and packages',
    async (which) => {
      const path = EmptyRoot.pathOf(which === 'killed' ? killed : finished);
      const { frames } = JSON.parse((await root.memtape(['flamegraph', '--json', path])).stdout);
      const of = (name: string) => frames.find((frame: { name: string }) => frame.name === name);
      expect(of('fillCart')).toMatchObject({
        file: join(folder, 'src/cart.ts'),
        line: 5,
        package: 'shop@0.3.0',
        source:
          'for (let i = 0; i < count; i++) kept.push(Buffer.alloc(100_003), new Array(1000));',
      });
      expect(of('lines::Take(unsigned long) (inlined)')).toMatchObject({
        file: addonSource,
        source: 'return std::malloc(bytes);  // Take',
      });
      if (which === 'killed') return; // its last blocks may not have come so far
      const call = ['table', '--csv', '--split-threads', path];
      expect((await root.memtape(call)).stdout).toMatch(
        /stock\.js,1,shop@0\.3\.0,\w+,worker 1 \(stock\.js\)/,
      );
    },
    240_000,
  );
});
