// SPDX-License-Identifier: MIT
// An express server that parses JSON bodies, under load from a process of its own: express-json.mjs [REQUESTS]
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import express from 'express';

const requests = Number(process.argv[2] ?? 2000);
let served = 0;
let items = 0;

const app = express();
app.use(express.json({ limit: '1mb' }));
app.post('/orders', (request, response) => {
  served++;
  items += request.body.lines.length;
  const total = request.body.lines.reduce((sum, line) => sum + line.price * line.count, 0);
  response.json({ customer: request.body.customer, total, lines: request.body.lines.slice(0, 5) });
});

// The client is not the program of interest: it inherits no preload library and no Node.js options.
function cleanEnvironment() {
  const dropped = /^(LD_PRELOAD|NODE_OPTIONS|MEMTAPE_.*|COUNTER_.*)$/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !dropped.test(name)));
}

const server = app.listen(0, '127.0.0.1', () => {
  const client = fileURLToPath(new URL('load-client.cjs', import.meta.url));
  const load = spawn(process.execPath, [client, String(server.address().port), String(requests)], {
    env: cleanEnvironment(),
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  load.on('exit', (code) => {
    console.log(`served ${served} requests with ${items} lines, client exit ${code}`);
    server.close();
  });
});
