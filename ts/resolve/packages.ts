// SPDX-License-Identifier: MIT
// Which package, in which version, a file belongs to.
import { readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as z from 'zod/mini';
import type { PackageInfo } from '../format/records.js';
import { pathOf } from './map-finder.js';

// Only what is asked for: the rest of a package.json is nobody's business here.
const MANIFEST = z.looseObject({
  name: z.string().check(z.minLength(1)),
  version: z.catch(z.string(), ''),
});

const MODULES = '/node_modules/';

/** Reads each package.json at most once. */
export class Packages {
  readonly #manifests = new Map<string, PackageInfo | null>();
  readonly #owners = new Map<string, PackageInfo | null>();

  /**
   * `file` is a path, a file: URL or a source name such as `webpack://app/./node_modules/x/y.js`;
   * null: no package's.
   */
  packageOf(file: string): PackageInfo | null {
    const path = pathOf(file);
    if (path === null) return nameInPath(file);
    const root = dependencyRoot(path);
    if (root === null) return this.#owner(dirname(path));
    // Folders inside a package may have a package.json of their own, of another name: the root's is
    // what was installed.
    return this.#manifest(root.folder) ?? archived(root) ?? { name: root.name, version: '' };
  }

  #owner(folder: string): PackageInfo | null {
    const cached = this.#owners.get(folder);
    if (cached !== undefined) return cached;
    const found = this.#ownerAbove(folder) ?? this.#ownerBehindLinks(folder);
    this.#owners.set(folder, found);
    return found;
  }

  #ownerAbove(folder: string): PackageInfo | null {
    const passed: string[] = [];
    let found: PackageInfo | null = null;
    for (let at = folder; ; at = dirname(at)) {
      const known = this.#owners.get(at);
      found = known ?? this.#manifest(at);
      if (found !== null || dirname(at) === at) break;
      passed.push(at);
    }
    if (found !== null) for (const at of passed) this.#owners.set(at, found);
    return found;
  }

  #ownerBehindLinks(folder: string): PackageInfo | null {
    try {
      const real = realpathSync(folder);
      return real === folder ? null : this.#ownerAbove(real);
    } catch {
      return null;
    }
  }

  #manifest(folder: string): PackageInfo | null {
    const cached = this.#manifests.get(folder);
    if (cached !== undefined) return cached;
    const manifest = readManifest(join(folder, 'package.json'));
    this.#manifests.set(folder, manifest);
    return manifest;
  }
}

interface DependencyRoot {
  readonly folder: string;
  readonly name: string;
}

/** The innermost `node_modules/<package>` or `node_modules/@scope/<package>` of a path. */
function dependencyRoot(path: string): DependencyRoot | null {
  const at = path.lastIndexOf(MODULES);
  if (at < 0) return null;
  const start = at + MODULES.length;
  const name = /^(?:@[^/]+\/)?[^/@][^/]*(?=\/)/.exec(path.slice(start))?.[0];
  if (name === undefined) return null;
  return { folder: path.slice(0, start) + name, name };
}

/**
 * Yarn keeps packages in archives whose names tell the version:
 * `…/lodash-npm-4.17.21-6382451519-8.zip/node_modules/…`.
 */
function archived(root: DependencyRoot): PackageInfo | null {
  const archive = /\/[^/]+-npm-([^/]+)-[0-9a-f]{10}-[0-9a-z]+\.zip\/node_modules\//.exec(
    root.folder,
  );
  return archive?.[1] === undefined ? null : { name: root.name, version: archive[1] };
}

/**
 * Bundlers keep the path in names that are no files: the package is known from it, its version is
 * not.
 */
function nameInPath(file: string): PackageInfo | null {
  const root = dependencyRoot(file);
  return root && { name: root.name, version: '' };
}

function readManifest(path: string): PackageInfo | null {
  try {
    const checked = MANIFEST.safeParse(JSON.parse(readFileSync(path, 'utf8')));
    return checked.success ? { name: checked.data.name, version: checked.data.version } : null;
  } catch {
    // No package.json, or one that Node.js could not read either.
    return null;
  }
}
