// SPDX-License-Identifier: MIT
// What the published package is: its manifest, its files, its types.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildTypes } from '../../scripts/build-ts.mjs';
import { root } from '../../scripts/sources.mjs';
import { hostTarget } from '../../ts/native/locate.js';
import { folderOf, temporaryFolder } from '../support/folder.js';
import { checkBundle, finish } from '../support/memtape.js';

const read = (path: string) => readFileSync(join(root, path), 'utf8');
const tool = (path: string) => join(root, 'node_modules', path);

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

function pack(folder: string): Packed {
  const args = ['pack', '--ignore-scripts', '--json', `--pack-destination=${folder}`];
  const output = execFileSync('npm', args, { cwd: root, encoding: 'utf8', stdio: 'pipe' });
  return (JSON.parse(output) as Packed[])[0] as Packed;
}

interface Locked {
  readonly resolved?: string;
  readonly optionalDependencies?: Record<string, string>;
}

describe('the package', () => {
  beforeAll(() => {
    checkBundle();
    buildTypes();
  });

  test('runs nothing when it is installed', () => {
    const { scripts, gypfile, dependencies } = JSON.parse(read('package.json'));
    for (const name of ['preinstall', 'install', 'postinstall']) {
      expect(scripts).not.toHaveProperty(name);
    }
    // Without this, npm would run node-gyp wherever it sees a binding.gyp.
    expect(gypfile).toBe(false);
    expect(dependencies).toBeUndefined();
  });

  test('holds the command, the API, the preload script and their types, and no sources', () => {
    const paths = pack(temporaryFolder()).files.map(({ path }) => path);
    expect(paths).toEqual(
      expect.arrayContaining([
        'LICENSE',
        'README.md',
        'dist/cli.js',
        'dist/index.js',
        'dist/cjs/index.js',
        'dist/cjs/package.json',
        'dist/preload.cjs',
        'dist/types/index.d.ts',
        'dist/cjs/types/index.d.ts',
        'dist/THIRD-PARTY.txt',
      ]),
    );
    expect(paths.filter((path) => /^(ts|cpp|test|scripts|node_modules)\//.test(path))).toEqual([]);
  });

  test('satisfies publint', () => {
    const folder = temporaryFolder();
    const { filename } = pack(folder);
    execFileSync('tar', ['xf', filename], { cwd: folder });
    const { status, stdout, stderr } = finish(
      process.execPath,
      // Of what is published, not of what lies about in the repository.
      [tool('publint/src/cli.js'), '--strict', '--pack=false', join(folder, 'package')],
      { cwd: root },
    );
    expect(`${stdout}${stderr}`).toContain('All good!');
    expect(status).toBe(0);
  });

  test('satisfies attw: types fit the code for import and require', () => {
    const folder = temporaryFolder();
    const { filename } = pack(folder);
    const { status, stdout, stderr } = finish(process.execPath, [
      tool('@arethetypeswrong/cli/dist/index.js'),
      join(folder, filename),
      '--format=ascii',
      '--no-color',
    ]);
    expect(`${stdout}${stderr}`).toContain('No problems found');
    expect(status).toBe(0);
  });

  test('has types that need nothing but those of Node.js, in the strictest compiler', () => {
    const uses = `
      async function read(path: string): Promise<number> {
        const capture = await memtape.openCapture(path);
        let bytes = 0;
        for await (const batch of capture.records())
          for (const record of batch) if (record.type === 'alloc') bytes += record.bytes;
        const peak: memtape.MemoryProfile = await capture.peak();
        for (const { frames } of peak) bytes += frames[0]?.column ?? 0;
        const [time] = (await capture.timeline()).process.timeNs;
        const { html } = await memtape.renderFlamegraph(await capture.flamegraph());
        const text: string = await memtape.renderStats(await capture.stats());
        return bytes + (time ?? 0) + html.length + text.length + new memtape.Tracker().stop().peakBytes;
      }
      void read;`;
    const folder = folderOf({
      'a.mts': `import * as memtape from 'memtape';\n${uses}`,
      'b.cts': `import memtape = require('memtape');\n${uses}`,
    });
    mkdirSync(join(folder, 'node_modules/@types'), { recursive: true });
    symlinkSync(root, join(folder, 'node_modules/memtape'));
    for (const name of ['@types/node', 'undici-types']) {
      symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
    }
    const options = '--noEmit --strict --exactOptionalPropertyTypes --module nodenext --types node';
    const args = [...options.split(' '), '--target', 'es2022', 'a.mts', 'b.cts'];
    const { stdout } = finish(process.execPath, [tool('typescript/bin/tsc'), ...args], {
      cwd: folder,
    });
    expect(stdout).toBe('');
  }, 60_000);

  test('records from its prebuilds when it is installed', () => {
    const folder = temporaryFolder();
    const { filename } = pack(folder);
    execFileSync('tar', ['xf', filename], { cwd: folder });
    const { platform, arch } = process;
    const prebuilds = join(folder, 'package/prebuilds', `${platform}-${arch}`);
    mkdirSync(prebuilds, { recursive: true });
    const { libc } = hostTarget();
    for (const [name, extension] of [
      ['memtape', 'node'],
      ['libmemtape', platform === 'darwin' ? 'dylib' : 'so'],
    ]) {
      const tag = libc === null ? '' : `.${libc}`;
      const built = join(root, 'build/Release', `${name}.${extension}`);
      copyFileSync(built, join(prebuilds, `${name}${tag}.${extension}`));
    }
    const code = 'function grow() { return Buffer.alloc(5_000_000) } globalThis.x = grow();';
    const { status, stderr } = finish(
      process.execPath,
      [join(folder, 'package/dist/cli.js'), 'run', '-o', 'a.bin', '-e', code],
      { cwd: folder },
    );
    expect(stderr).toMatch(/^ +5\.000MB +\d+% {2}grow:\[eval\]:1/m);
    expect(status).toBe(0);
  });

  test('works by import and by require, with the same exports', () => {
    const names = "Object.keys(m).filter((name) => name !== 'default').sort().join()";
    const imported = finish(process.execPath, [
      '--input-type=module',
      '-e',
      `import * as m from ${JSON.stringify(join(root, 'dist/index.js'))}; console.log(${names})`,
    ]);
    const required = finish(process.execPath, [
      '-e',
      `const m = require(${JSON.stringify(join(root, 'dist/cjs/index.js'))}); console.log(${names})`,
    ]);
    expect(imported.stderr + required.stderr).toBe('');
    expect(imported.stdout).toContain('Tracker');
    expect(required.stdout).toBe(imported.stdout);
  });
});

test.each(['.', 'test/nodes', 'test/real'])('%s/package-lock.json', (folder) => {
  const lock = JSON.parse(read(`${folder}/package-lock.json`));
  const packages = Object.entries(lock.packages as Record<string, Locked>);
  expect(packages.length).toBeGreaterThan(4);
  for (const [path, { resolved, optionalDependencies }] of packages) {
    // It installs from whichever registry the user has.
    expect(resolved, path).toBeUndefined();
    // npm ci refuses a lock file that lacks a platform, as it does when a registry lacked the package.
    for (const name of Object.keys(optionalDependencies ?? {})) {
      expect(lock.packages, path).toHaveProperty([`node_modules/${name}`]);
    }
  }
});
