// SPDX-License-Identifier: MIT
// The programs for which memtape exports, where they are installed.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { finish, top } from './memtape.js';

const folder = join(top, 'test/consumers');

export const speedscopePage = join(folder, 'node_modules/speedscope/dist/release/index.html');
export const noSpeedscope = existsSync(speedscopePage)
  ? null
  : 'speedscope is not installed: npm ci in test/consumers';

const gprof2dotScript = join(folder, 'python/gprof2dot.py');
export const noGprof2dot = existsSync(gprof2dotScript)
  ? null
  : 'gprof2dot is not installed: pip install --target python -r requirements.txt in test/consumers';

/** Runs Python code with gprof2dot as a module. */
export function python(code: string, ...args: string[]): string {
  const { status, stdout, stderr } = finish('python3', ['-c', code, ...args], {
    env: { PYTHONPATH: join(folder, 'python') },
  });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

/** A line of a profile as gprof2dot itself has read it: total, then the functions' own. */
export function gprof2dotTotals(format: 'json' | 'collapse', file: string) {
  const parser = format === 'json' ? 'JsonParser' : 'CollapseParser';
  const code = `
import sys, json, gprof2dot
profile = gprof2dot.${parser}(open(sys.argv[1])).parse()
own = {f.name: f[gprof2dot.SAMPLES] for f in profile.functions.values()}
print(json.dumps({'total': profile[gprof2dot.SAMPLES], 'own': own}))`;
  return JSON.parse(python(code, file)) as { total: number; own: Record<string, number> };
}

const infernoProgram = join(folder, 'rust/bin/inferno-flamegraph');
export const noInferno = existsSync(infernoProgram)
  ? null
  : 'inferno is not installed: cargo install --root rust inferno in test/consumers';

/** What inferno, the flamegraph.pl in Rust, draws of collapsed stacks: each box's title, `grow (app.js:3) (12 bytes, 34.5%)`. */
export function infernoTitles(file: string): string[] {
  const { status, stdout, stderr } = finish(infernoProgram, [
    '--countname=bytes',
    '--minwidth=0',
    file,
  ]);
  // Lines that it cannot read it skips with a warning.
  if (status !== 0 || stderr !== '') throw new Error(stderr);
  const text: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
  return [...stdout.matchAll(/<title>([^<]*)<\/title>/g)].map(([, title = '']) =>
    title.replaceAll(/&(\w+);/g, (entity, name: string) => text[name] ?? entity),
  );
}

function hasGo(): boolean {
  try {
    return finish('go', ['tool', '-n', 'pprof']).status === 0;
  } catch {
    return false;
  }
}

export const noGo = hasGo() ? null : 'Go is not installed (Debian: apt-get install golang-go)';

/** `go tool pprof` with these arguments. */
export function goPprof(...args: string[]): string {
  const { status, stdout, stderr } = finish('go', ['tool', 'pprof', ...args]);
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

/** Runs code with a module of DevTools as `module` and a value as `input`. As text: it must not be transformed. */
export async function inDevTools<T>(
  page: Page,
  module: string,
  input: unknown,
  body: string,
): Promise<T> {
  await page.goto('devtools://devtools/bundled/devtools_app.html');
  return await page.evaluate<T>(`(async () => {
    const module = await import(${JSON.stringify(module)});
    const input = ${JSON.stringify(input)};
    ${body}
  })()`);
}

interface HeapProfileRead {
  readonly total: number;
  /** Bytes of every node by the name of its function. */
  readonly totals: readonly (readonly [name: string, bytes: number])[];
}

/** A .heapprofile as the Memory panel has it. */
export function devToolsHeapProfile(page: Page, json: unknown): Promise<HeapProfileRead> {
  const body = `
    const { root } = new module.HeapProfileView.SamplingHeapProfileModel(input);
    const nodes = [root];
    for (const node of nodes) nodes.push(...node.children);
    return { total: root.total, totals: nodes.map((node) => [node.functionName, node.total]) };`;
  return inDevTools(page, './panels/profiler/profiler.js', json, body);
}

interface TraceRead {
  readonly counters: readonly { readonly name: string; readonly args: { bytes: number } }[];
  /** Names of what has a duration. */
  readonly entries: readonly string[];
}

/** Trace events as the Performance panel has them. */
export function devToolsTrace(page: Page, json: unknown, pid: number): Promise<TraceRead> {
  const body = `
    const model = module.TraceModel.Model.createWithAllHandlers();
    await model.parse(input.traceEvents, {});
    const { traceEvents, data } = model.parsedTrace();
    const threads = [...data.Renderer.processes.get(${pid}).threads.values()];
    return {
      counters: traceEvents.filter(({ ph }) => ph === 'C'),
      entries: threads.flatMap(({ entries }) => entries.map(({ name }) => name)),
    };`;
  return inDevTools(page, './models/trace/trace.js', json, body);
}
