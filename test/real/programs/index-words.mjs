// SPDX-License-Identifier: MIT
// Workers build an index of the words in TypeScript's declaration files; the main thread merges it.
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { Worker } from 'node:worker_threads';

const folder = new URL('../node_modules/typescript/lib/', import.meta.url);
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.d.ts'))
  .sort();
const workers = 4;

function indexPart(part) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('index-words-worker.mjs', import.meta.url), {
      workerData: { folder: folder.pathname, files: files.filter((_, i) => i % workers === part) },
      name: `indexer-${part}`,
    });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

const parts = await Promise.all(Array.from({ length: workers }, (_, part) => indexPart(part)));
const merged = new Map();
for (const part of parts) {
  for (const [word, places] of part.index)
    merged.set(word, (merged.get(word) ?? 0) + places.length);
}
const words = [...merged].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
console.log(
  files.length,
  words.length,
  parts.reduce((sum, part) => sum + part.text.byteLength, 0),
);
console.log(
  words
    .slice(0, 10)
    .map(([word, count]) => `${word}:${count}`)
    .join(' '),
);
console.log(createHash('sha256').update(JSON.stringify(words)).digest('hex'));
