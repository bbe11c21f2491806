// SPDX-License-Identifier: MIT
// Each method of Tracker in each state: running, stopped, in a worker, in a child, at exit.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folderOf, temporaryFolder } from '../support/folder.js';
import { checkBundle, finish, memtape, top } from '../support/memtape.js';
import { nodes } from '../support/nodes.js';

const PRELUDE = `
import { Tracker, track, FileDestination } from ${JSON.stringify(`${top}dist/index.js`)};
import * as workers from 'node:worker_threads';
const said = {};
const attempt = (f) => {
  try { return f() ?? 'ok' } catch (e) { return e.name + ' ' + e.code }
};
const say = (name, value) => { said[name] = value };
process.on('exit', () => console.log(JSON.stringify(said)));
`;

/** Runs an ES module and returns what it said. */
function inNode(code: string, cwd = temporaryFolder(), node = process.execPath) {
  checkBundle();
  const folder = folderOf({ 'app.mjs': PRELUDE + code });
  const { status, stdout, stderr } = finish(node, [join(folder, 'app.mjs')], { cwd });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return { said: JSON.parse(stdout), cwd };
}

const stats = (cwd: string, name: string) =>
  JSON.parse(memtape(['stats', '--json', name], { cwd }).stdout);

describe.each(nodes())('a Tracker on Node.js $version', ({ path: node }) => {
  test('that runs: everything works, a second one is refused', () => {
    const { said, cwd } = inNode(
      `const t = new Tracker('a.bin');
      say('running', t.running);
      say('path', t.path === process.cwd() + '/a.bin');
      say('mark', attempt(() => t.mark('here')));
      say('no name', attempt(() => t.mark('')));
      say('not a name', attempt(() => t.mark(5)));
      say('our name', attempt(() => t.mark('memtape:exit')));
      say('second', attempt(() => new Tracker('b.bin')));
      say('third', attempt(() => track('a.bin')));
      globalThis.kept = Buffer.alloc(3_000_017);
      const { path, allocations, liveBytes, peakBytes, error, dropped } = t.stop();
      say('summary', { path: path === t.path, error, dropped, some: allocations > 0 });
      say('bytes', [liveBytes >= 3_000_017, peakBytes >= liveBytes]);`,
      undefined,
      node,
    );
    expect(said).toEqual({
      running: true,
      path: true,
      mark: 'ok',
      'no name': 'UsageError ERR_MEMTAPE_USAGE',
      'not a name': 'UsageError ERR_MEMTAPE_USAGE',
      'our name': 'UsageError ERR_MEMTAPE_USAGE',
      second: 'NativeError ERR_MEMTAPE_ACTIVE',
      third: 'NativeError EEXIST',
      summary: { path: true, error: null, dropped: 0, some: true },
      bytes: [true, true],
    });
    expect(readdirSync(cwd)).toEqual(['a.bin']);
    expect(memtape(['parse', 'a.bin'], { cwd }).stdout).toMatch(/^mark .*name=here/m);
    const { metadata, leaked_bytes } = stats(cwd, 'a.bin');
    expect(metadata.end).toBe('stop');
    expect(leaked_bytes).toBeGreaterThanOrEqual(3_000_017);
  });

  test('that was stopped: stop repeats itself, mark refuses, another one may start', () => {
    const { said } = inNode(
      `const t = new Tracker('a.bin');
      const first = t.stop();
      say('running', t.running);
      say('same', t.stop() === first);
      say('frozen', Object.isFrozen(first));
      say('mark', attempt(() => t.mark('late')));
      say('dispose', attempt(() => t[Symbol.dispose]()));
      say('again', attempt(() => new Tracker('a.bin')));
      const destination = new FileDestination('a.bin', { overwrite: true });
      const next = new Tracker({ destination });
      say('overwritten', attempt(() => next.running));
      say('old one', attempt(() => t.stop() === first && next.running));
      say('next', attempt(() => next.stop().error));`,
      undefined,
      node,
    );
    expect(said).toEqual({
      running: false,
      same: true,
      frozen: true,
      mark: 'NativeError ERR_MEMTAPE_STOPPED',
      dispose: 'ok',
      again: 'NativeError EEXIST',
      overwritten: true,
      'old one': true,
      next: 'ok',
    });
  });

  test('that never came to be leaves nothing behind', () => {
    const { said, cwd } = inNode(
      `say('no folder', attempt(() => new Tracker('no/a.bin')));
      say('unknown', attempt(() => new Tracker({ destination: 'a.bin', natve: true })));
      say('function', attempt(() => Tracker('a.bin')));
      say('afterwards', attempt(() => new Tracker('b.bin').stop().error));`,
      undefined,
      node,
    );
    expect(said).toEqual({
      'no folder': 'NativeError ENOENT',
      unknown: 'UsageError ERR_MEMTAPE_USAGE',
      function: 'TypeError undefined',
      afterwards: 'ok',
    });
    expect(readdirSync(cwd)).toEqual(['b.bin']);
  });

  test('is disposed of by using, also asynchronously', () => {
    const { said } = inNode(
      `const a = new Tracker('a.bin');
      a[Symbol.dispose]();
      const b = track({ destination: 'b.bin', interval: 5 });
      await b[Symbol.asyncDispose]();
      say('running', [a.running, b.running]);`,
      undefined,
      node,
    );
    expect(said).toEqual({ running: [false, false] });
  });

  test('in a worker: one for the whole process, started and stopped there', () => {
    const { said, cwd } = inNode(
      `const inWorker = (code) => new Promise((resolve, reject) => {
        const worker = new workers.Worker(\`import(\${JSON.stringify(${JSON.stringify(`${top}dist/index.js`)})})
          .then(({ Tracker }) => {
            const attempt = \${attempt};
            \${code}
          })\`, { eval: true });
        worker.once('message', resolve).once('error', reject);
      });
      const post = "require('worker_threads').parentPort.postMessage";
      const t = new Tracker('a.bin');
      say('while main records', await inWorker(post + "(attempt(() => new Tracker('b.bin')))"));
      t.stop();
      say('alone', await inWorker(\`
        const t = new Tracker('c.bin');
        t.mark('in the worker');
        globalThis.kept = Buffer.alloc(3_000_017);
        \${post}(attempt(() => t.stop().liveBytes >= 3_000_017))\`));
      say('left running', await inWorker("new Tracker('d.bin'); " + post + "('started')"));
      say('main meets it', attempt(() => new Tracker('e.bin')));`,
      undefined,
      node,
    );
    expect(said).toEqual({
      'while main records': 'NativeError ERR_MEMTAPE_ACTIVE',
      alone: true,
      'left running': 'started',
      'main meets it': 'NativeError ERR_MEMTAPE_ACTIVE',
    });
    expect(readdirSync(cwd).sort()).toEqual(['a.bin', 'c.bin', 'd.bin']);
    expect(stats(cwd, 'd.bin').metadata.end).toBe('exit');
  });

  test('and a forked child: the child is not recorded, and may record itself', () => {
    const { said, cwd } = inNode(
      `import { fork } from 'node:child_process';
      if (process.argv[2] === 'child') {
        say('child', attempt(() => new Tracker('child.bin').stop().error));
      } else {
        const t = new Tracker('parent.bin');
        const child = fork(process.argv[1], ['child'], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
        child.stdout.on('data', (text) => Object.assign(said, JSON.parse(text)));
        await new Promise((resolve) => child.on('close', resolve));
        say('parent', attempt(() => t.stop().error));
      }`,
      undefined,
      node,
    );
    expect(said).toEqual({ child: 'ok', parent: 'ok' });
    expect(readdirSync(cwd).sort()).toEqual(['child.bin', 'parent.bin']);
  });

  test('at exit: stop, mark and start still work', () => {
    const { said, cwd } = inNode(
      `const t = new Tracker('a.bin');
      process.prependListener('exit', () => {
        say('mark', attempt(() => t.mark('exit')));
        say('stop', attempt(() => t.stop().error));
        say('start', attempt(() => new Tracker('b.bin').running));
      });`,
      undefined,
      node,
    );
    expect(said).toEqual({ mark: 'ok', stop: 'ok', start: true });
    expect(stats(cwd, 'a.bin').metadata.end).toBe('stop');
    expect(stats(cwd, 'b.bin').metadata.end).toBe('exit');
  });

  test.each(['', 'process.exit(0)', 'setTimeout(() => process.exit(0), 20)'])(
    'that nobody stops is complete all the same (%s)',
    (end) => {
      const { cwd } = inNode(
        `new Tracker('a.bin'); globalThis.kept = Buffer.alloc(3_000_017); ${end}`,
        undefined,
        node,
      );
      const { metadata, truncated, peak_memory } = stats(cwd, 'a.bin');
      expect({ end: metadata.end, truncated }).toEqual({ end: 'exit', truncated: false });
      expect(peak_memory).toBeGreaterThanOrEqual(3_000_017);
      expect(existsSync(join(cwd, 'a.bin.rings'))).toBe(false);
    },
  );
});

test('under memtape run there is a recording from the start', () => {
  const cwd = folderOf({
    'app.mjs': `${PRELUDE}say('active', attempt(() => new Tracker('b.bin')));`,
  });
  const { stdout } = memtape(['run', '-q', '-o', 'a.bin', 'app.mjs'], { cwd });
  expect(JSON.parse(stdout)).toEqual({ active: 'NativeError ERR_MEMTAPE_ACTIVE' });
  expect(readdirSync(cwd).sort()).toEqual(['a.bin', 'app.mjs']);
});
