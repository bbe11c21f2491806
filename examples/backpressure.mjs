// SPDX-License-Identifier: MIT
// A shop that exports its orders: GET /orders.csv reads page after page from the database and sends it. For a slow client it
// holds the whole export; with --fixed it does not.
//
//   memtape run -o backpressure.bin examples/backpressure.mjs
import { once } from 'node:events';
import { createServer, get } from 'node:http';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { memory } from './support/client.mjs';

const PAGES = 1000;
const ORDERS_PER_PAGE = 1000;

const ADDRESS = 'Somebody;12 Long Street;Somewhere in the Country;Postcode';

/** Stands for the database. */
async function* readPages() {
  for (let page = 0; page < PAGES; page++) {
    await setImmediate();
    yield Array.from({ length: ORDERS_PER_PAGE }, (_, i) => page * ORDERS_PER_PAGE + i);
  }
}

function renderPage(orders) {
  const lines = orders.map((number) => `${number};2026-11-22;shipped;99.90 EUR;${ADDRESS}\n`);
  return Buffer.from(lines.join(''));
}

async function exportOrders(response) {
  let pages = 0;
  for await (const orders of readPages()) {
    const hasRoom = response.write(renderPage(orders));
    if (process.argv.includes('--fixed') && !hasRoom) await once(response, 'drain');
    if (++pages === PAGES) console.log(`rendered: ${memory()}`);
  }
  response.end();
}

const server = createServer((_request, response) => exportOrders(response));

/** Somebody on a train. */
async function download(port) {
  const [response] = await once(get({ port, path: '/orders.csv', agent: false }), 'response');
  let bytes = 0;
  for await (const chunk of response) {
    bytes += chunk.length;
    await setTimeout(2);
  }
  return bytes;
}

server.listen(0);
await once(server, 'listening');
const bytes = await download(server.address().port);
console.log(`exported ${Math.round(bytes / 1e6)} MB`);
server.close();
