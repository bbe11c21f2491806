// SPDX-License-Identifier: MIT
// usage: node node_walk.mjs NODE... — walks native stacks inside the given node binaries.
// Fails unless 99.9 % of the walks reach the thread's first frame, memo and no memo always agree, and
// return addresses follow call instructions (of 10,000, one may not: V8 returns to places it chose).
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../../..');
const directory = mkdtempSync(join(tmpdir(), 'memtape-node-walk-'));
const library = join(directory, 'walk.so');
const kWanted = 0.999;

function build() {
  const stack = join(root, 'cpp/stack');
  const sources = readdirSync(stack).filter((name) => name.endsWith('.cc'));
  execFileSync(
    process.env.CXX ?? 'g++',
    [
      '-std=c++20',
      '-O2',
      '-g',
      '-shared',
      '-fPIC',
      '-fno-exceptions',
      '-fno-rtti',
      '-fno-omit-frame-pointer',
      '-fvisibility=hidden',
      '-fno-threadsafe-statics',
      '-fno-builtin-malloc',
      '-Wl,-z,now',
      `-I${join(root, 'cpp')}`,
      '-o',
      library,
      join(here, 'node_walk_preload.cpp'),
      join(root, 'cpp/os/os_linux.cc'),
      ...sources.map((name) => join(stack, name)),
    ],
    { stdio: 'inherit' },
  );
}

function walk(node) {
  const report = join(directory, 'report.json');
  const run = spawnSync(node, [join(here, 'node_walk_workload.cjs')], {
    env: { ...process.env, LD_PRELOAD: library, MEMTAPE_TEST_REPORT: report },
    encoding: 'utf8',
  });
  if (run.status !== 0 || run.stdout !== 'done\n') {
    throw new Error(`${node}: ${run.status ?? run.signal}\n${run.stderr}`);
  }
  return JSON.parse(readFileSync(report, 'utf8'));
}

function line(node, r) {
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  const frames = r.frames / r.walks;
  return [
    version.padEnd(10),
    `${r.walks} walks`,
    `${((100 * r.root) / r.walks).toFixed(4)} % to the root`,
    `${r.endOfChain} to a zero, ${r.lost} lost, ${r.cut} cut, ${r.different} differ`,
    `${frames.toFixed(1)} frames (${(r.jitFrames / r.walks).toFixed(1)} JIT, ` +
      `${(r.reused / r.walks).toFixed(1)} reused)`,
    `ticks/walk: memo ${(r.memoTicks / r.walks).toFixed(0)}, plain ${(r.plainTicks / r.walks).toFixed(0)}`,
    `${r.checkedPcs} return addresses checked, ${r.notAfterCall} not after a call`,
    `decode ${r.decodeMs} ms, ${r.mainRows} rows, ${r.mainBytes} bytes (all ${r.arenaBytes})`,
    ...r.lostAt.map((at) => `lost at ${at}`),
  ].join('\n  ');
}

try {
  build();
  for (const node of process.argv.slice(2)) {
    const report = walk(node);
    console.log(line(node, report));
    if (report.root < kWanted * report.walks || report.different > 0) process.exitCode = 1;
    if (report.notAfterCall * 10000 > report.checkedPcs) process.exitCode = 1;
  }
} finally {
  rmSync(directory, { recursive: true });
}
