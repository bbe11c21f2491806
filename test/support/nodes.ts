// SPDX-License-Identifier: MIT
// The Node.js binaries that tests run programs on.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface NodeBinary {
  readonly major: number;
  readonly version: string;
  readonly path: string;
}

const folder = fileURLToPath(new URL('../nodes/', import.meta.url));

function wanted(): string[] {
  const text = readFileSync(join(folder, 'package.json'), 'utf8');
  const { optionalDependencies } = JSON.parse(text) as { optionalDependencies: object };
  return Object.keys(optionalDependencies);
}

function installed(name: string): NodeBinary[] {
  const home = join(folder, 'node_modules', name);
  const path = join(home, 'bin', 'node');
  if (!existsSync(path)) return [];
  const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as {
    version: string;
  };
  return [{ major: Number.parseInt(version, 10), version, path }];
}

function system(): NodeBinary {
  const version = process.versions.node;
  return { major: Number.parseInt(version, 10), version, path: process.execPath };
}

/** The running Node.js first, then those of test/nodes that are installed and of another version. */
export function nodes(): NodeBinary[] {
  const own = system();
  const others = wanted().flatMap(installed);
  return [own, ...others.filter(({ version }) => version !== own.version)];
}

/** Majors that test/nodes asks for and nobody installed: `npm ci --prefix test/nodes` does. */
export function missingNodes(): string[] {
  const majors = new Set(nodes().map(({ major }) => `node${major}`));
  return wanted().filter((name) => !majors.has(name));
}

/** The folder with node_api.h that belongs to the binary, if it has one. */
export function headersOf(node: NodeBinary): string | undefined {
  const include = join(dirname(dirname(node.path)), 'include', 'node');
  return existsSync(join(include, 'node_api.h')) ? include : undefined;
}
