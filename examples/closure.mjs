// SPDX-License-Identifier: MIT
// A service that imports sensor readings: POST /imports takes them as CSV and stores them, GET /imports says how far each
// import is. It leaks what it has imported; with --fixed it does not.
//
//   memtape run -o closure.bin -- node --expose-gc examples/closure.mjs
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { inParallel, memory, send } from './support/client.mjs';

/** What GET /imports asks: a function for each import. */
const imports = new Map();

function parseReadings(csv) {
  const lines = csv.split('\n');
  const readings = new Float64Array(lines.length);
  for (let i = 0; i < lines.length; i++) readings[i] = Number(lines[i]);
  return readings;
}

/** Stands for the database. */
const insert = (_batch) => setImmediate();
const BATCH = 10_000;

async function startImport(id, readings) {
  let stored = 0;
  const total = readings.length;
  const storeAll = async () => {
    for (; stored < total; stored += BATCH) await insert(readings.subarray(stored, stored + BATCH));
  };
  imports.set(id, () => `${id}: ${Math.min(stored, total)} of ${total}`);
  await storeAll();
}

async function startImportFixed(id, readings) {
  const progress = { stored: 0, total: readings.length };
  imports.set(id, () => `${id}: ${Math.min(progress.stored, progress.total)} of ${progress.total}`);
  await store(readings, progress);
}

async function store(readings, progress) {
  for (; progress.stored < progress.total; progress.stored += BATCH) {
    await insert(readings.subarray(progress.stored, progress.stored + BATCH));
  }
}

const start = process.argv.includes('--fixed') ? startImportFixed : startImport;

const server = createServer(async (request, response) => {
  if (request.method === 'GET') {
    response.end([...imports.values()].map((progress) => progress()).join('\n'));
    return;
  }
  let csv = '';
  for await (const chunk of request) csv += chunk;
  await start(`import ${imports.size + 1}`, parseReadings(csv));
  response.end('stored\n');
});

server.listen(0);
await once(server, 'listening');
const { port } = server.address();
const csv = Array.from({ length: 25_000 }, (_, i) => 200 + (i % 100)).join('\n');
await inParallel(200, 4, () => send(port, '/imports', csv));
const progress = await send(port, '/imports');
console.log(`${progress.split('\n').length} imports, the last one: ${progress.split('\n').at(-1)}`);
console.log(memory());
server.close();
