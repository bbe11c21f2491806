// SPDX-License-Identifier: MIT
// The scripts whose attribution is known, and how each is run.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { programs } from '../support/programs.js';

export interface Script {
  readonly name: string;
  /** Arguments for node; the script itself is the last. */
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** The files whose lines say what to expect. */
  readonly sources: readonly string[];
  /** False for scripts whose positions are known only after source maps. */
  readonly plainPositions: boolean;
}

const fixtures = fileURLToPath(new URL('fixtures/', import.meta.url));
const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');

function script(
  file: string,
  others: readonly string[] = [],
  flags: readonly string[] = [],
): Script {
  const path = join(fixtures, file);
  return {
    name: file,
    args: [...flags, path],
    env: { TRUTH_ADDON: programs.addon },
    sources: [path, ...others.map((other) => join(fixtures, other))],
    plainPositions: true,
  };
}

function compile(file: string, folder: string, map: string): string {
  const output = join(folder, file.replace(/ts$/, 'js'));
  if (existsSync(output)) return output;
  const options = [
    '--target',
    'es2021',
    '--module',
    'commonjs',
    '--types',
    'node',
    '--skipLibCheck',
  ];
  const args = [compiler, ...options, map, '--outDir', folder, join(fixtures, file)];
  const result = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (!existsSync(output))
    throw new Error(`${file} does not compile:\n${result.stdout}${result.stderr}`);
  return output;
}

/** The TypeScript ones are compiled into `folder`. */
export function scripts(folder: string): Script[] {
  const inline = compile('inline.ts', folder, '--inlineSourceMap');
  const beside = compile('beside.ts', folder, '--sourceMap');
  const typed = (source: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Script => ({
    name: source,
    args,
    env: { TRUTH_ADDON: programs.addon, ...env },
    sources: [join(fixtures, source)],
    plainPositions: false,
  });
  return [
    script('functions.cjs'),
    script('callbacks.cjs'),
    script('kinds.cjs', [], ['--expose-gc']),
    script('tiers.cjs'),
    script('inlining.cjs'),
    script('code.cjs'),
    script('module.mjs', ['module-imported.mjs']),
    script('worker.cjs', ['worker-module.mjs']),
    script('threads.cjs'),
    script('buffers.cjs'),
    typed('inline.ts', [inline]),
    typed('beside.ts', [beside]),
    {
      ...typed('inline.ts', [join(fixtures, 'memory.cjs')], { TRUTH_COMPILED: inline }),
      name: 'memory.cjs',
    },
  ];
}
