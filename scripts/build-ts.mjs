// SPDX-License-Identifier: MIT
// ts/ → dist/: ES modules in chunks (index, cli), one CommonJS bundle, the preload script, types.
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build } from 'esbuild';
import { run } from './setup.mjs';
import { root } from './sources.mjs';

const require = createRequire(import.meta.url);
const dist = join(root, 'dist');

/** @type {import('esbuild').BuildOptions} */
const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20',
  packages: 'external',
  legalComments: 'none',
  logLevel: 'warning',
};

async function bundleModules() {
  const { metafile } = await build({
    ...common,
    entryPoints: { index: 'ts/index.ts', cli: 'ts/cli/main.ts' },
    outdir: 'dist',
    format: 'esm',
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    metafile: true,
  });
  // Chunks of earlier builds go last, so that a program running from dist/ meets whole files only.
  const current = new Set(Object.keys(metafile.outputs));
  const chunks = join(dist, 'chunks');
  for (const file of existsSync(chunks) ? readdirSync(chunks) : []) {
    if (!current.has(`dist/chunks/${file}`)) rmSync(join(chunks, file));
  }
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

/** JavaScript only, in a tenth of a second: what tests need. */
export async function bundle() {
  mkdirSync(dist, { recursive: true });
  await Promise.all([bundleModules(), bundleCommonJs(), bundlePreload()]);
}

export async function buildTs() {
  await bundle();
  run(process.execPath, [require.resolve('typescript/bin/tsc'), '-p', 'tsconfig.types.json']);
  // The same declarations once more below a CommonJS package.json, where they type require().
  cpSync(join(dist, 'types'), join(dist, 'cjs/types'), { recursive: true });
}
