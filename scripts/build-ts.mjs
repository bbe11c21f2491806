// SPDX-License-Identifier: MIT
// ts/ → dist/: ES modules in chunks (index, cli), one CommonJS bundle, the preload script, types.
// Libraries are bundled: `memtape run` starts many times faster from a few files than from hundreds.
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { buildHtml } from './build-html.mjs';
import { buildWasm } from './build-wasm.mjs';
import { run } from './setup.mjs';
import { root } from './sources.mjs';

const require = createRequire(import.meta.url);
const dist = join(root, 'dist');
const KEEP_CHUNKS_MS = 15 * 60 * 1000;

/** @satisfies {import('esbuild').BuildOptions} */
const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20',
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
};

async function bundleModules() {
  const { metafile } = await build({
    ...common,
    entryPoints: { index: 'ts/index.ts', cli: 'ts/cli/main.ts' },
    outdir: 'dist',
    format: 'esm',
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    // Bundled CommonJS libraries call require() for Node's own modules.
    banner: {
      js: "import { createRequire as memtapeRequire } from 'node:module'; const require = memtapeRequire(import.meta.url);",
    },
  });
  const current = new Set(Object.keys(metafile.outputs));
  const chunks = join(dist, 'chunks');
  for (const file of existsSync(chunks) ? readdirSync(chunks) : []) {
    const path = join(chunks, file);
    // A program that started from an earlier build may still load its chunks.
    const old = Date.now() - statSync(path).mtimeMs > KEEP_CHUNKS_MS;
    if (old && !current.has(`dist/chunks/${file}`)) rmSync(path, { force: true });
  }
  writeLicenses(Object.keys(metafile.inputs));
}

/**
 * The licences of what is bundled, which all want to be passed on.
 * @param {string[]} inputs
 */
function writeLicenses(inputs) {
  const names = inputs.map((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]);
  const texts = [...new Set(names)].sort().flatMap((name) => {
    if (name === undefined) return [];
    const folder = join(root, 'node_modules', name);
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    if (file === undefined) throw new Error(`${name} has no licence file`);
    return [`${name}\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`];
  });
  writeFileSync(join(dist, 'THIRD-PARTY.txt'), texts.join(`\n${'-'.repeat(80)}\n\n`));
}

async function bundleCommonJs() {
  await build({
    ...common,
    entryPoints: ['ts/index.ts'],
    outfile: 'dist/cjs/index.js',
    format: 'cjs',
    define: { 'import.meta.url': 'memtapeModuleUrl' },
    banner: { js: "const memtapeModuleUrl = require('node:url').pathToFileURL(__filename).href;" },
  });
  writeFileSync(join(dist, 'cjs/package.json'), '{ "type": "commonjs" }\n');
}

async function bundlePreload() {
  await build({
    ...common,
    entryPoints: ['ts/native/preload.cts'],
    outfile: 'dist/preload.cjs',
    format: 'cjs',
    minifySyntax: true,
    minifyWhitespace: true,
  });
}

/** JavaScript only, in less than a second unless ts/decode/wasm/ has changed: what tests need. */
export async function bundle() {
  mkdirSync(dist, { recursive: true });
  buildWasm();
  await buildHtml();
  await Promise.all([bundleModules(), bundleCommonJs(), bundlePreload()]);
}

/**
 * The declarations that index.d.ts leads to. The others speak of what is bundled, and of libraries that users do not have.
 * @param {string} types
 * @returns {Set<string>}
 */
function reachableTypes(types) {
  const reached = new Set([join(types, 'index.d.ts')]);
  for (const path of reached) {
    for (const [, name = ''] of readFileSync(path, 'utf8').matchAll(/\bfrom '(\.[^']+)\.js'/g)) {
      reached.add(join(dirname(path), `${name}.d.ts`));
    }
  }
  return reached;
}

/** Declarations once for import and, below a CommonJS package.json, once for require(). */
export function buildTypes() {
  run(process.execPath, [require.resolve('typescript/bin/tsc'), '-p', 'tsconfig.types.json']);
  const types = join(dist, 'types');
  const reached = reachableTypes(types);
  for (const entry of readdirSync(types, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath ?? entry.path, entry.name);
    if (entry.isFile() && !reached.has(path)) rmSync(path);
  }
  rmSync(join(dist, 'cjs/types'), { recursive: true, force: true });
  cpSync(types, join(dist, 'cjs/types'), { recursive: true });
}

export async function buildTs() {
  await bundle();
  buildTypes();
}
