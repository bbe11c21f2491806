// SPDX-License-Identifier: MIT
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { candidates, hostTarget, locate, preloadScript } from '../../ts/native/locate.js';
import { packageRoot } from '../../ts/native/package-root.js';
import { folderOf } from '../support/folder.js';
import { top } from '../support/memtape.js';

const glibc = { platform: 'linux', arch: 'x64', libc: 'glibc' } as const;

describe('locate', () => {
  test('prefers what was built here to a prebuild', () => {
    const root = folderOf({
      'build/Release/memtape.node': '',
      'build/Release/libmemtape.so': '',
      'prebuilds/linux-x64/memtape.glibc.node': '',
      'prebuilds/linux-x64/libmemtape.glibc.so': '',
    });
    expect(locate(root, glibc)).toEqual({
      addon: join(root, 'build/Release/memtape.node'),
      preload: join(root, 'build/Release/libmemtape.so'),
    });
  });

  test('takes the prebuild of the platform, architecture and libc', () => {
    const root = folderOf({
      'prebuilds/linux-x64/memtape.glibc.node': '',
      'prebuilds/linux-x64/libmemtape.glibc.so': '',
      'prebuilds/darwin-arm64/memtape.node': '',
      'prebuilds/darwin-arm64/libmemtape.dylib': '',
    });
    expect(locate(root, glibc)?.preload).toBe(
      join(root, 'prebuilds/linux-x64/libmemtape.glibc.so'),
    );
    expect(locate(root, { platform: 'darwin', arch: 'arm64', libc: null })?.addon).toBe(
      join(root, 'prebuilds/darwin-arm64/memtape.node'),
    );
    expect(locate(root, { ...glibc, libc: 'musl' })).toBeNull();
    expect(locate(root, { ...glibc, arch: 'arm64' })).toBeNull();
  });

  test('takes both files from one place: half a build counts for nothing', () => {
    const root = folderOf({
      'build/Release/memtape.node': '',
      'prebuilds/linux-x64/memtape.glibc.node': '',
      'prebuilds/linux-x64/libmemtape.glibc.so': '',
    });
    expect(locate(root, glibc)?.addon).toBe(join(root, 'prebuilds/linux-x64/memtape.glibc.node'));
  });

  test('MEMTAPE_ADDON names another addon', () => {
    const [pair] = candidates('/r', glibc);
    const root = folderOf({ 'build/Release/memtape.node': '', 'build/Release/libmemtape.so': '' });
    vi.stubEnv('MEMTAPE_ADDON', '/elsewhere/memtape.node');
    try {
      expect(locate(root, glibc)).toEqual({
        addon: '/elsewhere/memtape.node',
        preload: join(root, 'build/Release/libmemtape.so'),
      });
    } finally {
      vi.unstubAllEnvs();
    }
    expect(pair?.addon).toBe('/r/build/Release/memtape.node');
  });

  test('finds this package and this host', () => {
    expect(`${packageRoot()}/`).toBe(top);
    expect(existsSync(preloadScript())).toBe(true);
    expect(hostTarget()).toMatchObject({ platform: process.platform, arch: process.arch });
  });
});
