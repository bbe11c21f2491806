// SPDX-License-Identifier: MIT
// Reports as they look in terminals of 80, 120 and 200 columns: test/text/golden. `vitest -u` writes them anew.
import { describe, expect, test } from 'vitest';
import { textWidth } from '../../ts/model/terminal-text.js';
import { type DiffSide, diffReport } from '../../ts/report/diff.js';
import { statsReport } from '../../ts/report/stats.js';
import { summaryReport } from '../../ts/report/summary.js';
import { treeReport } from '../../ts/report/tree.js';
import { diffText } from '../../ts/text/diff-text.js';
import { leaksText } from '../../ts/text/leaks-text.js';
import { statsText } from '../../ts/text/stats-text.js';
import { summaryText } from '../../ts/text/summary-text.js';
import { treeText } from '../../ts/text/tree-text.js';
import { recorded } from '../report/recorded.js';
import { REPORT, ROW } from './sample-leaks.js';

/** Names that are long, wide, hostile or all of that. */
function crowded() {
  const from = recorded({ metadata: { command: ['node', 'server.js'] } });
  const { capture, feed } = from;
  const deep = `/srv/${'very-long-folder-name/'.repeat(6)}index.js`;
  const frames = [
    capture.js('handleIncomingRequestWithAVeryLongNameIndeed', deep, 123),
    capture.js('読み込み処理', '/アプリ/メモリ.js', 7),
    capture.js('\u001b[31mred\u202e', '/tmp/\u0007evil.js', 1),
    capture.native('/usr/bin/node', 0x90, `std::vector<${'std::pair<int, '.repeat(8)}int>`),
  ];
  for (const [i, frame] of frames.entries()) feed.alloc(capture.stack([frame]), 10 ** (i + 3) + i);
  const { capture: _capture, ...input } = from;
  const stats = statsReport({ ...input, end: capture.end() });
  return { ...from, stats };
}

const NAMES = [
  {
    function: 'handleIncomingRequestWithAVeryLongNameIndeed',
    file: `/srv/${'folder/'.repeat(20)}index.js`,
  },
  { function: '読み込み処理', file: '/アプリ/メモリ.js' },
  { function: '\u001b[31mred\u202e', file: '/tmp/\u0007evil.js' },
];

const widest = (text: string) => Math.max(...text.split('\n').map(textWidth));

describe.each([80, 120, 200])('in %i columns', (width) => {
  test('summary', async () => {
    const { peak, stacks } = crowded();
    const text = summaryText(summaryReport(peak.peak(), stacks), { width });
    expect(widest(text)).toBeLessThanOrEqual(width);
    await expect(text).toMatchFileSnapshot(`golden/summary-${width}.txt`);
  });

  test('stats', async () => {
    const text = statsText(crowded().stats, { width });
    expect(widest(text)).toBeLessThanOrEqual(width);
    await expect(text).toMatchFileSnapshot(`golden/stats-${width}.txt`);
  });

  test.each(['tree', 'tree-inverted'])('%s', async (name) => {
    const { peak, stacks } = crowded();
    const report = treeReport(peak.peak(), stacks, {
      biggest: 6,
      inverted: name === 'tree-inverted',
    });
    const text = treeText(report, { width });
    expect(widest(text)).toBeLessThanOrEqual(width);
    await expect(text).toMatchFileSnapshot(`golden/${name}-${width}.txt`);
  });

  test('leaks', async () => {
    const rows = NAMES.map((name, i) => ({ ...ROW, ...name, growth_bytes: 10 ** (8 - i) }));
    const why = [
      ...REPORT.why,
      'A sentence that has more words than there is room for. '.repeat(4).trim(),
    ];
    const text = leaksText({ ...REPORT, why, rows }, { width });
    expect(widest(text)).toBeLessThanOrEqual(width);
    await expect(text).toMatchFileSnapshot(`golden/leaks-${width}.txt`);
  });

  test('diff', async () => {
    const [before, after] = [recorded(), crowded()].map(({ peak, stacks }) => ({
      profile: peak.peak(),
      stacks,
      cwd: '/app',
    })) as [DiffSide, DiffSide];
    const text = diffText(diffReport(before, after), { width });
    expect(widest(text)).toBeLessThanOrEqual(width);
    await expect(text).toMatchFileSnapshot(`golden/diff-${width}.txt`);
  });
});
