// SPDX-License-Identifier: MIT
// `npm run prebuild`: build/Release stripped into prebuilds/<platform>-<arch>/, tagged with the libc.
// `npm run prebuild -- --check linux-x64 …` fails when a platform's files are not there.
import { existsSync, renameSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { nodeDirArgs } from './build-native.mjs';
import { needPackages, run } from './setup.mjs';
import { root } from './sources.mjs';

const libc =
  process.platform !== 'linux' ? [] : [existsSync('/etc/alpine-release') ? 'musl' : 'glibc'];

/**
 * The names that ts/native/locate.ts looks for.
 * @param {string} folder
 * @param {string[]} libcs
 */
function expected(folder, libcs) {
  const tags = folder.startsWith('linux-') ? libcs.map((name) => `.${name}`) : [''];
  const extension = folder.startsWith('darwin-') ? 'dylib' : 'so';
  return tags.flatMap((tag) => [`memtape${tag}.node`, `libmemtape${tag}.${extension}`]);
}

/**
 * @param {string} folder
 * @param {string[]} libcs
 */
function check(folder, libcs) {
  const missing = expected(folder, libcs).filter(
    (name) => !existsSync(join(root, 'prebuilds', folder, name)),
  );
  if (missing.length === 0) return;
  console.error(`prebuilds/${folder} lacks ${missing.join(', ')}`);
  process.exit(1);
}

const [option, ...folders] = process.argv.slice(2);
if (option === '--check') {
  for (const folder of folders) check(folder, ['glibc', 'musl']);
} else {
  needPackages();
  const prebuildify = createRequire(import.meta.url).resolve('prebuildify/bin.js');
  // node-gyp takes the headers from npm_config_nodedir; prebuildify has no option for it.
  const [nodeDir] = nodeDirArgs();
  const env = { ...process.env, ...(nodeDir && { npm_config_nodedir: nodeDir.split('=')[1] }) };
  run(
    process.execPath,
    [prebuildify, '--napi', '--strip', '--tag-libc', `--target=${process.versions.node}`],
    { env },
  );
  const folder = `${process.platform}-${process.arch}`;
  // prebuildify tags the addon only, and two builds for one folder must not overwrite each other.
  if (libc[0] !== undefined) {
    const at = join(root, 'prebuilds', folder);
    renameSync(join(at, 'libmemtape.so'), join(at, `libmemtape.${libc[0]}.so`));
  }
  check(folder, libc);
}
