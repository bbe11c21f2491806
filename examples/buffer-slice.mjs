// SPDX-License-Identifier: MIT
// A service that takes documents and keeps a receipt of each: the last 32 bytes, which are its signature. It leaks the
// documents; with --fixed it does not.
//
//   memtape run -o buffer-slice.bin -- node --expose-gc examples/buffer-slice.mjs
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { inParallel, memory, send } from './support/client.mjs';

const SIGNATURE = 32;
const receipts = new Map();

async function readBody(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function signatureOf(body) {
  const signature = body.subarray(-SIGNATURE);
  return process.argv.includes('--fixed') ? Buffer.from(signature) : signature;
}

const server = createServer(async (request, response) => {
  const body = await readBody(request);
  const number = receipts.size + 1;
  receipts.set(number, signatureOf(body));
  response.end(`receipt ${number}\n`);
});

server.listen(0);
await once(server, 'listening');
const { port } = server.address();
const document = Buffer.concat([Buffer.alloc(256 * 1024, 'text '), randomBytes(SIGNATURE)]);
await inParallel(800, 4, () => send(port, '/documents', document));
let bytes = 0;
for (const signature of receipts.values()) bytes += signature.length;
console.log(`${receipts.size} receipts of ${bytes} bytes in all`);
console.log(memory());
server.close();
