// SPDX-License-Identifier: MIT
// A comment service that looks for words that its customers do not want to read. The matcher is C++, for speed. It leaks the
// matchers; with --fixed it does not.
//
//   npm run build:examples
//   memtape run -o native-addon.bin examples/native-addon.mjs
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { inParallel, memory, send } from './support/client.mjs';

const matchers = createRequire(import.meta.url)('./native-addon/build/Release/matcher.node');

/** Stands for the customer's settings. */
const wordsOf = (customer) => Array.from({ length: 100 }, (_, i) => `word-${customer}-${i * 7919}`);

function check(customer, comment) {
  const matcher = matchers.open(wordsOf(customer));
  const found = matchers.count(matcher, comment);
  if (process.argv.includes('--fixed')) matchers.close(matcher);
  return found;
}

const server = createServer(async (request, response) => {
  let comment = '';
  for await (const chunk of request) comment += chunk;
  response.end(`${check(request.url.slice(1), comment)}\n`);
});

server.listen(0);
await once(server, 'listening');
const { port } = server.address();
await inParallel(300, 4, (i) => send(port, `/customer-${i % 10}`, 'This is fine.'));
console.log(`300 comments checked, ${matchers.live()} matchers live`);
console.log(memory());
server.close();
