// SPDX-License-Identifier: MIT
// The examples' clients, and the memory that Node.js itself tells of.
import { once } from 'node:events';
import { request } from 'node:http';

/** Sends a request and answers with the whole body, as text. */
export async function send(port, path, body = '') {
  const call = request({ port, path, method: body === '' ? 'GET' : 'POST', agent: false });
  call.end(body);
  const [response] = await once(call, 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  return text;
}

/**
 * Does `work(0)` to `work(count - 1)`, a few at a time. With `node --expose-gc` it collects garbage ten times on the way and
 * at the end, so that what is still there afterwards is no garbage.
 */
export async function inParallel(count, lanes, work) {
  let next = 0;
  const lane = async () => {
    while (next < count) {
      if (next % Math.ceil(count / 10) === 0) globalThis.gc?.();
      await work(next++);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  globalThis.gc?.();
}

export function memory() {
  const { rss, heapUsed } = process.memoryUsage();
  const megabytes = (bytes) => `${Math.round(bytes / 1e6)} MB`;
  return `RSS is ${megabytes(rss)}, the JS heap is ${megabytes(heapUsed)}`;
}
