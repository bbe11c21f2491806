// SPDX-License-Identifier: MIT
// How long a flame graph of very many boxes takes to open and to zoom, in Chromium: node bench/page.mjs [boxes] [runs]
import { rmSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const [boxes = 1_000_000, runs = 3] = process.argv.slice(2).map(Number);
const ZOOMS = 6;
const ROW = 21;

/** In the page: `drawn` is how long the latest click took until the screen showed it, as the browser says, in steps of 8 ms. */
const TIMING = `new PerformanceObserver((list) => {
  for (const { name, duration } of list.getEntries()) if (name === 'click') globalThis.drawn = duration;
}).observe({ type: 'event', durationThreshold: 16 });`;

const top = fileURLToPath(new URL('../', import.meta.url));
const bundle = fileURLToPath(new URL(`page-${process.pid}.tmp.mjs`, import.meta.url));
try {
  const { largeReport, renderFlamegraph, ReportBrowser } = await tools();
  const { html } = renderFlamegraph(largeReport(boxes), { maxBytes: Number.POSITIVE_INFINITY });
  console.log(`${boxes} boxes, ${(html.length / 1e6).toFixed(1)} MB`);
  for (let run = 1; run <= runs; run++) {
    const browser = await ReportBrowser.launch();
    const { page } = await browser.open(browser.write(html));
    const opened = await page.evaluate('performance.now()');
    await page.evaluate(TIMING);
    const zooms = [];
    for (let zoom = 1; zoom <= ZOOMS; zoom++) zooms.push(await zoomTo(page, zoom));
    console.log(`run ${run}: opened ${opened.toFixed(0)} ms; zooms ${zooms.join(', ')} ms`);
    await browser.close();
  }
} finally {
  rmSync(bundle, { force: true });
}

/** The browser tells nothing of what took less than 16 ms. */
async function zoomTo(page, row) {
  const box = await page.locator('#canvas').boundingBox();
  await page.evaluate('globalThis.drawn = undefined');
  await page.mouse.click(box.x + box.width * 0.3, box.y + row * ROW + ROW / 2);
  let ms;
  // Asked from outside: the page lets no script be made of text.
  for (let asked = 0; ms === undefined && asked < 500; asked++) {
    ms = await page.evaluate('globalThis.drawn');
  }
  return ms ?? '<16';
}

/** Compiled here, where its packages are found: the report is the tests', and so is the browser. */
async function tools() {
  const from = (name, path) => `export { ${name} } from './${path}';`;
  await build({
    stdin: {
      contents: [
        from('largeReport', 'test/html/large-report.ts'),
        from('ReportBrowser', 'test/html/browser.ts'),
        from('renderFlamegraph', 'ts/html/render.ts'),
      ].join('\n'),
      resolveDir: top,
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    outfile: bundle,
  });
  return import(pathToFileURL(bundle).href);
}
