// SPDX-License-Identifier: MIT
// dist/preload.cjs with a stand-in for the addon that says on stderr when it is loaded.
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { folderOf } from '../support/folder.js';
import { checkBundle, finish, top } from '../support/memtape.js';
import { compile } from '../support/native.js';
import { nodes } from '../support/nodes.js';

const ADDON = `
#include <unistd.h>
extern "C" void* napi_register_module_v1(void*, void* exports) {
  return write(2, "L", 1) == 1 ? exports : exports;
}
extern "C" int node_api_module_get_api_version_v1() { return 9; }
`;

describe.each(nodes())('the preload script on Node.js $version', ({ path: node }) => {
  let folder: string;
  let script: string;

  beforeEach(() => {
    checkBundle();
    folder = folderOf({ 'addon.cc': ADDON, 'a b/empty': '' });
    compile(join(folder, 'addon.cc'), join(folder, 'addon.node'), '-shared', '-fPIC');
    script = join(folder, 'a b/preload.cjs');
    copyFileSync(`${top}dist/preload.cjs`, script);
  });

  interface Settings {
    readonly nodeOptions?: string;
    readonly args?: readonly string[];
    readonly addon?: string;
    readonly name?: string;
  }

  /** Runs code as a file, with and without the preload script. */
  function both(code: string, { nodeOptions, args = [], addon, name = 'app.cjs' }: Settings = {}) {
    const file = join(folder, name);
    writeFileSync(file, code);
    const base = nodeOptions === undefined ? {} : { NODE_OPTIONS: nodeOptions };
    const plain = finish(node, [...args, file], { env: base });
    const recorded = finish(node, [...args, file], {
      env: {
        NODE_OPTIONS: `${nodeOptions ?? ''} --require "${script}"`.trim(),
        MEMTAPE_ADDON: addon ?? join(folder, 'addon.node'),
      },
    });
    return { plain, recorded };
  }

  /** How often the addon was loaded. */
  const loads = (stderr: string) => stderr.replaceAll(/[^L]/g, '').length;

  test('loads the addon and leaves the program as it was', () => {
    const { plain, recorded } = both(
      `console.log(JSON.stringify([
        process.env.NODE_OPTIONS, process.execArgv, process.argv.length,
        Object.keys(require.cache), module.children.length, new Error('x').stack,
      ]))`,
      { args: ['--no-warnings'] },
    );
    expect(recorded.stderr).toBe('L');
    expect(recorded.stdout).toBe(plain.stdout);
    expect(plain.stdout).toContain('--no-warnings');
  });

  test('leaves other words of NODE_OPTIONS alone', () => {
    const nodeOptions = '--no-warnings --require "node:fs"  --stack-trace-limit=7';
    const { recorded } = both('console.log(process.env.NODE_OPTIONS)', { nodeOptions });
    expect(recorded.stdout).toBe(`${nodeOptions}\n`);
    expect(recorded.stderr).toBe('L');
  });

  const worker = (options: string) => `
    const { Worker, SHARE_ENV } = require('worker_threads');
    const code = 'console.log(JSON.stringify([process.env, process.execArgv]))';
    delete process.env.MEMTAPE_ADDON;
    new Worker(code, { eval: true, ...${options} });`;

  test.each([
    '{}',
    '{ env: { ...process.env, A: 1 } }',
    '{ env: {} }',
    '{ env: SHARE_ENV }',
    '{ env: { NODE_OPTIONS: "--no-warnings" } }',
    '{ execArgv: [] }',
    '{ execArgv: ["--no-warnings"] }',
    '{ execArgv: [], env: {} }',
    '{ execArgv: [], env: SHARE_ENV }',
  ])('loads the addon in a worker with %s, which sees no trace', (options) => {
    const { plain, recorded } = both(worker(options), { args: ['--no-deprecation'] });
    expect(loads(recorded.stderr)).toBe(2);
    expect(recorded.stdout).toBe(plain.stdout);
    expect(plain.stdout).toMatch(/^\[\{.*\},\[.*\]\]\n$/);
  });

  test('loads the addon in the worker of a worker', () => {
    const { recorded } = both(`
      const { Worker } = require('worker_threads');
      const inner = "new (require('worker_threads').Worker)('1', { eval: true, env: {} })";
      new Worker(inner, { eval: true, env: {} });`);
    expect(loads(recorded.stderr)).toBe(3);
  });

  test('loads the addon in a worker that an ES module makes', () => {
    const { recorded } = both(
      `import { Worker } from 'node:worker_threads';
      new Worker('1', { eval: true, env: {} });`,
      { name: 'app.mjs' },
    );
    expect(loads(recorded.stderr)).toBe(2);
  });

  test('leaves the Worker class usable as before', () => {
    const { plain, recorded } = both(`
      const { Worker } = require('worker_threads');
      class Sub extends Worker {}
      const w = new Sub('1', { eval: true, env: {} });
      console.log(w instanceof Sub, w instanceof Worker, Worker.name, Worker.length,
        Object.getPrototypeOf(w) === Sub.prototype);
      for (const bad of [() => new Worker(), () => Worker('1'), () => new Worker('1', { env: 1 })]) {
        try { bad() } catch (error) { console.log(error.name, error.code) }
      }`);
    expect(plain.stdout).toContain('true true Worker');
    expect(recorded.stdout).toBe(plain.stdout);
  });

  test('does no harm when the addon cannot be loaded', () => {
    const { recorded } = both('console.log(process.env.NODE_OPTIONS)', {
      addon: '/nowhere/memtape.node',
    });
    expect(recorded).toMatchObject({ status: 0, stdout: 'undefined\n', stderr: '' });
  });
});
