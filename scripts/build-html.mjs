// SPDX-License-Identifier: MIT
// ts/html/app/ → ts/html/app-bundle.js: the pages' markup, style and scripts as strings.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { root } from './sources.mjs';

const app = join(root, 'ts/html/app');
const target = ['chrome111', 'firefox113', 'safari16.4'];

/** @param {string} entry */
async function bundle(entry) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [join(app, entry)],
    bundle: true,
    write: false,
    format: 'iife',
    minify: true,
    target,
    legalComments: 'none',
    logLevel: 'warning',
  });
  // The text goes between <script> tags.
  return (outputFiles[0]?.text ?? '').trim().replaceAll('</script', '<\\/script');
}

async function styles() {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [join(app, 'style.css')],
    bundle: true,
    write: false,
    minify: true,
    target,
    logLevel: 'warning',
  });
  return (outputFiles[0]?.text ?? '').trim();
}

/**
 * A page with the parts that pages share in place of their names.
 * @param {string} file
 * @returns {string}
 */
function markup(file) {
  const text = readFileSync(join(app, file), 'utf8');
  return text.replace(/<!-- (\w+\.html) -->\n/g, (_all, part) => markup(part));
}

export async function buildHtml() {
  const [style, headScript, flamegraphScript, tableScript, rssScript] = await Promise.all([
    styles(),
    bundle('head.ts'),
    bundle('main.ts'),
    bundle('table-main.ts'),
    bundle('rss-main.ts'),
  ]);
  const parts = {
    style,
    headScript,
    flamegraphMarkup: markup('page.html'),
    flamegraphScript,
    tableMarkup: markup('table.html'),
    tableScript,
    rssMarkup: markup('rss.html'),
    rssScript,
  };
  const lines = Object.entries(parts).map(
    ([name, text]) => `export const ${name} = ${JSON.stringify(text)};`,
  );
  const head = '// Made by scripts/build-html.mjs; edit ts/html/app/ instead.';
  writeFileSync(join(root, 'ts/html/app-bundle.js'), `${[head, ...lines].join('\n')}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await buildHtml();
