// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { unpackMemory } from '../../ts/html/app/page-memory.js';
import type { PageData } from '../../ts/html/page-data.js';
import { renderFlamegraph } from '../../ts/html/render.js';
import { largeReport } from './large-report.js';
import { sampleReport } from './sample-report.js';

const HOSTILE =
  '</script><script>globalThis.owned = true</script><img src=x onerror=owned=1>{{script}}';

function embedded(html: string): PageData {
  const [, json = ''] =
    /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(html) ?? [];
  return JSON.parse(json) as PageData;
}

const embeddedBytes = ({ memory, slices }: PageData): number =>
  unpackMemory(memory, slices)
    .between(0, 0)
    .bytes.reduce((sum, bytes) => sum + bytes, 0);

describe('renderFlamegraph', () => {
  test('embeds the whole tree', () => {
    const report = sampleReport();
    const { html, folded } = renderFlamegraph(report);
    const data = embedded(html);
    expect(folded).toEqual({ frames: 0, bytes: 0 });
    expect(data.nodes).toBe(report.tree.parent.length);
    expect(embeddedBytes(data)).toBe(report.stats.peak_memory);
    expect(data.stats).toEqual(report.stats);
  });

  test('is one file that fetches nothing', () => {
    const { html } = renderFlamegraph(sampleReport());
    expect(html).not.toMatch(/\b(?:src|href)=["']?(?:https?:)?\/\//);
    expect(html).not.toMatch(/@import|url\((?!["']?data:)/);
    const [, policy = ''] = /Content-Security-Policy" content="([^"]*)"/.exec(html) ?? [];
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
  });

  test('the policy allows exactly the scripts and the style in it', () => {
    const { html } = renderFlamegraph(sampleReport());
    const hashes = (pattern: RegExp) =>
      Array.from(html.matchAll(pattern), ([, text = '']) =>
        createHash('sha256').update(text).digest('base64'),
      );
    const inline = [...hashes(/<script>(.*?)<\/script>/gs), ...hashes(/<style>(.*?)<\/style>/gs)];
    const allowed = Array.from(html.matchAll(/'sha256-([^']+)'/g), ([, hash]) => hash);
    expect(inline).toHaveLength(3);
    expect(allowed.sort()).toEqual(inline.sort());
  });

  test('names cannot leave the place where they stand', () => {
    const report = sampleReport({ hostileName: HOSTILE });
    const evil = { ...report.stats.metadata, command_line: `node ${HOSTILE}` };
    const { html } = renderFlamegraph({
      ...report,
      title: HOSTILE,
      stats: { ...report.stats, metadata: evil },
    });
    expect(html).not.toContain('<script>globalThis.owned');
    expect(html).not.toContain('<img');
    expect(html.match(/<script/g)).toHaveLength(3);
    expect(embedded(html).strings).toContain(HOSTILE);
  });

  test('stays below its limit by folding, and says how much', () => {
    const report = sampleReport({ stacks: 9000, depth: 40 });
    const whole = renderFlamegraph(report, { maxBytes: 1e9 });
    const small = renderFlamegraph(report, { maxBytes: 400_000 });
    expect(Buffer.byteLength(whole.html)).toBeGreaterThan(500_000);
    expect(Buffer.byteLength(small.html)).toBeLessThanOrEqual(400_000);
    const data = embedded(small.html);
    expect(small.folded.frames).toBeGreaterThan(1000);
    expect(data.folded).toEqual(small.folded);
    expect(embeddedBytes(data)).toBe(report.stats.peak_memory);
  });

  test('a report of 200,000 frames is at most 2 MB', () => {
    const report = sampleReport({ stacks: 24_000, depth: 60 });
    expect(report.tree.parent.length).toBeGreaterThan(200_000);
    const { html, folded } = renderFlamegraph(report);
    expect(Buffer.byteLength(html)).toBeLessThanOrEqual(2_000_000);
    expect(folded.bytes).toBeLessThan(report.stats.peak_memory / 2);
  });

  test('a report of 30,000 distinct frames is at most 2 MB, and says what it folded', () => {
    const report = largeReport(120_000);
    const { html, folded } = renderFlamegraph(report);
    expect(Buffer.byteLength(html)).toBeLessThanOrEqual(2_000_000);
    expect(folded.frames).toBeGreaterThan(10_000);
    const whole = report.tree.self_bytes.reduce((sum, bytes) => sum + bytes, 0);
    expect(embeddedBytes(embedded(html))).toBe(whole);
  });

  test('an empty capture makes a page too', () => {
    const report = sampleReport();
    const empty = { parent: [0], frame: [0], self_bytes: [0], self_count: [0] };
    const { entries: _entries, ...rest } = report;
    expect(embedded(renderFlamegraph({ ...rest, tree: empty }).html).nodes).toBe(1);
  });
});
