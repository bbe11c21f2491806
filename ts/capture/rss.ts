// SPDX-License-Identifier: MIT
// What RSS was made of takes two passes: one to find the moments, one to see which blocks were live then.

import { RssLooks } from '../aggregate/rss-looks.js';
import { RssMoments } from '../aggregate/rss-moments.js';
import type { RecordConsumer } from '../decode/consumer.js';
import type { ReadOptions } from '../decode/read-capture.js';
import { rssReport } from '../report/rss.js';
import type { RssReport } from '../report/rss-report.js';
import type { Pass } from './pass.js';

/** Moments of the picture; each costs a look at all live blocks. */
const MOST_MOMENTS = 60;

type Read = (consumer: RecordConsumer, options?: ReadOptions) => Promise<Pass>;

export async function readRss(read: Read): Promise<RssReport> {
  const looks = new RssLooks();
  await read(looks);
  const chosen = looks.choose(MOST_MOMENTS);
  const moments = new RssMoments(chosen?.chosen ?? []);
  const { end, stacks } = await read(moments, { keepAddresses: true });
  return rssReport({ looks, chosen, moments: moments.moments, end, stacks });
}
