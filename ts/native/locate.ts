// SPDX-License-Identifier: MIT
// Finds the two shared objects by the rules of node-gyp-build: what was built here first, then the
// prebuild of this platform, architecture and libc.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from './package-root.js';

export interface Target {
  readonly platform: string;
  readonly arch: string;
  /** `null` where a platform has one libc only. */
  readonly libc: 'glibc' | 'musl' | null;
}

export interface SharedObjects {
  /** The N-API addon. */
  readonly addon: string;
  /** The library for LD_PRELOAD (DYLD_INSERT_LIBRARIES on macOS). */
  readonly preload: string;
}

export function hostTarget(): Target {
  const { platform, arch } = process;
  if (platform !== 'linux') return { platform, arch, libc: null };
  // The same test as node-gyp-build's: musl's loader is the sign of Alpine.
  return { platform, arch, libc: existsSync('/etc/alpine-release') ? 'musl' : 'glibc' };
}

/** The places where both files may lie, best first. */
export function candidates(root: string, target: Target): SharedObjects[] {
  const extension = target.platform === 'darwin' ? 'dylib' : 'so';
  const prebuilt = join(root, 'prebuilds', `${target.platform}-${target.arch}`);
  const tag = target.libc === null ? '' : `.${target.libc}`;
  const pair = (folder: string, tag: string) => ({
    addon: join(folder, `memtape${tag}.node`),
    preload: join(folder, `libmemtape${tag}.${extension}`),
  });
  return [pair(join(root, 'build/Release'), ''), pair(prebuilt, tag)];
}

/**
 * The shared objects for this process; `MEMTAPE_ADDON` overrides where the addon is.
 * Returns null when there are none for this platform.
 */
export function locate(root = packageRoot(), target = hostTarget()): SharedObjects | null {
  const pair = candidates(root, target).find(
    ({ addon, preload }) => existsSync(addon) && existsSync(preload),
  );
  if (pair === undefined) return null;
  return { ...pair, addon: process.env['MEMTAPE_ADDON'] || pair.addon };
}

/** The script that the preload library makes Node.js require. */
export function preloadScript(root = packageRoot()): string {
  return join(root, 'dist/preload.cjs');
}
