// SPDX-License-Identifier: MIT
// A service that scores texts: each POST /score starts a worker, because scoring would keep the server from answering. The
// workers stay when they are done; with --fixed they do not.
//
//   memtape run -o worker.bin examples/worker.mjs
import { once } from 'node:events';
import { createServer } from 'node:http';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { inParallel, memory, send } from './support/client.mjs';

/** The weights that a text is scored by. */
function loadModel() {
  const weights = new Float32Array(1_000_000);
  for (let i = 0; i < weights.length; i++) weights[i] = Math.sin(i);
  return weights;
}

async function score(text) {
  const worker = new Worker(new URL(import.meta.url), { name: 'score' });
  worker.postMessage(text);
  const [result] = await once(worker, 'message');
  if (process.argv.includes('--fixed')) await worker.terminate();
  return result;
}

async function serve() {
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    response.end(`${await score(text)}\n`);
  });
  server.listen(0);
  await once(server, 'listening');
  const { port } = server.address();
  await inParallel(12, 2, (i) => send(port, '/score', `text ${i}`));
  console.log('12 texts scored');
  console.log(memory());
  process.exit();
}

function work() {
  const model = loadModel();
  parentPort.on('message', (text) => {
    let sum = 0;
    for (let i = 0; i < text.length; i++) sum += model[text.charCodeAt(i)];
    parentPort.postMessage(sum);
  });
}

if (isMainThread) await serve();
else work();
