// SPDX-License-Identifier: MIT
// A price feed by server-sent events: who asks for /prices gets each new price until he goes away. It leaks what it kept for
// clients that are gone; with --fixed it does not.
//
//   memtape run -o listener.bin -- node --expose-gc examples/listener.mjs
import { EventEmitter, once } from 'node:events';
import { createServer, get } from 'node:http';
import { inParallel, memory } from './support/client.mjs';

const market = new EventEmitter();
market.setMaxListeners(0); // There was a warning, and this is how it was silenced.

/** Puts messages together, so that a busy market makes few packets. */
class Batch {
  #bytes;
  #used = 0;

  constructor() {
    this.#bytes = Buffer.alloc(64 * 1024, '\n');
  }

  add(message) {
    this.#used += this.#bytes.write(message, this.#used);
  }

  flush(response) {
    if (!response.destroyed) response.write(this.#bytes.subarray(0, this.#used));
    this.#used = 0;
  }
}

function subscribe(response) {
  const batch = new Batch();
  const onPrice = (symbol, price) => {
    batch.add(`data: ${symbol} ${price.toFixed(2)}\n\n`);
    batch.flush(response);
  };
  market.on('price', onPrice);
  if (process.argv.includes('--fixed')) {
    response.once('close', () => market.off('price', onPrice));
  }
}

const server = createServer((_request, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.flushHeaders();
  subscribe(response);
});

/** Somebody who looks at three prices. */
async function visit(port) {
  const call = get({ port, path: '/prices', agent: false });
  const [response] = await once(call, 'response');
  let prices = 0;
  for await (const _ of response) if (++prices === 3) break;
}

server.listen(0);
await once(server, 'listening');
const ticks = setInterval(() => market.emit('price', 'ACME', 100 * Math.random()), 4);
await inParallel(1000, 20, () => visit(server.address().port));
clearInterval(ticks);
console.log(`1000 visits; ${market.listenerCount('price')} listen`);
console.log(memory());
server.close();
server.closeAllConnections();
