// SPDX-License-Identifier: MIT
// ts/decode/wasm/*.ts (AssemblyScript) → ts/decode/kernel-wasm.js: WebAssembly as text, which every bundle takes along.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './sources.mjs';

const require = createRequire(import.meta.url);
const outFile = join(root, 'ts/decode/kernel-wasm.js');

/** As much as the largest segment of ts/decode/wasm/memory.ts has: 4096 rows of 24 bytes, which are zeros. */
const ZERO_BYTES = 4096 * 24;
const flags = [
  '-O3',
  '--converge',
  '--noAssert',
  '--runtime=stub',
  '--use=abort=',
  `--memoryBase=${ZERO_BYTES}`,
  // Enough for small captures.
  '--initialMemory=8',
];

/** What the output depends on; compiling takes seconds. */
function fingerprint() {
  const hash = createHash('sha256').update(flags.join(' '));
  hash.update(readFileSync(require.resolve('assemblyscript/package.json')));
  for (const file of readdirSync(join(root, 'ts/decode/wasm')).sort()) {
    if (file.endsWith('.ts'))
      hash.update(file).update(readFileSync(join(root, 'ts/decode/wasm', file)));
  }
  return hash.digest('hex').slice(0, 16);
}

export function buildWasm() {
  const head = `// Made by scripts/build-wasm.mjs from ts/decode/wasm/ (${fingerprint()}).`;
  if (existsSync(outFile) && readFileSync(outFile, 'utf8').startsWith(head)) return;
  const folder = mkdtempSync(join(tmpdir(), 'memtape-wasm-'));
  try {
    const binary = join(folder, 'kernel.wasm');
    const asc = require.resolve('assemblyscript/bin/asc.js');
    const args = ['ts/decode/wasm/index.ts', `--outFile=${binary}`, ...flags];
    const { status, stderr } = spawnSync(process.execPath, [asc, ...args], {
      cwd: root,
      encoding: 'utf8',
    });
    // A warning is a conversion that loses bits.
    if (status !== 0 || stderr !== '')
      throw new Error(`ts/decode/wasm/ does not compile\n${stderr}`);
    const text = readFileSync(binary, 'base64');
    // Renamed into place: somebody may read it at this moment.
    const file = `${outFile}.${process.pid}`;
    writeFileSync(file, `${head}\nexport const kernelBase64 =\n  '${text}';\n`);
    renameSync(file, outFile);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) buildWasm();
