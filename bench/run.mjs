// SPDX-License-Identifier: MIT
// node bench/run.mjs [--cases tsc,rollup] [--variants plain,memtape] [--rounds N] [--node PATH] [--write-docs]
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cases } from './cases.mjs';
import { interleave, measure } from './measure.mjs';
import { markdown, summarize } from './report.mjs';
import { variants } from './variants.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const { values: options } = parseArgs({
  options: {
    cases: { type: 'string' },
    variants: { type: 'string' },
    rounds: { type: 'string' },
    node: { type: 'string', default: process.execPath },
    'write-docs': { type: 'boolean', default: false },
  },
});

/**
 * @template {{ name: string }} T
 * @param {T[]} all
 * @param {string | undefined} names separated by commas
 * @returns {T[]}
 */
function choose(all, names) {
  if (names === undefined) return all;
  return names.split(',').map((name) => {
    const found = all.find((one) => one.name === name);
    if (!found) throw new Error(`no such name: ${name} (there are ${all.map((one) => one.name)})`);
    return found;
  });
}

function usableVariants() {
  const chosen = choose(variants, options.variants);
  for (const { name, missing } of chosen) if (missing) console.error(`without ${name}: ${missing}`);
  return chosen.filter((variant) => variant.missing === null);
}

function machine() {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    kernel: release(),
    node: execFileSync(options.node, ['--version'], { encoding: 'utf8' }).trim(),
    date: new Date().toISOString().slice(0, 10),
  };
}

/** @param {string} table */
function writeDocs(table) {
  const path = join(here, '..', 'docs', 'overhead.md');
  const text = readFileSync(path, 'utf8');
  const { cpu, cores, kernel, node, date } = machine();
  const where = `Node.js ${node}, ${cpu}, ${cores} cores, Linux ${kernel}, ${date}.`;
  const body = `<!-- results -->\n${where}\n\n${table}<!-- /results -->`;
  writeFileSync(
    path,
    text.replace(/<!-- results -->[\s\S]*<!-- \/results -->/, () => body),
  );
}

const busy = loadavg()[0] ?? 0;
if (busy > cpus().length / 2) {
  console.error(`the machine is busy (load ${busy.toFixed(1)}): trust CPU times, not wall times`);
}
const rows = [];
const raw = [];
for (const one of choose(cases, options.cases)) {
  const runs = usableVariants().map((variant) => ({
    name: variant.name,
    run: () => measure((scratch) => variant.command(options.node, one.args, scratch), one.cwd),
  }));
  const samples = interleave(runs, Number(options.rounds ?? one.rounds));
  const summary = summarize(one.name, samples);
  console.log(markdown(summary));
  rows.push(...summary);
  raw.push({ case: one.name, samples });
}
const results = join(here, 'results');
mkdirSync(results, { recursive: true });
const file = join(results, `${new Date().toISOString().replaceAll(':', '-')}.json`);
writeFileSync(file, `${JSON.stringify({ machine: machine(), load: busy, rows, raw }, null, 1)}\n`);
if (options['write-docs']) writeDocs(markdown(rows));
console.error(`written: ${file}`);
