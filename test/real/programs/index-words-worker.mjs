// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

function indexFile(file, index) {
  const text = readFileSync(workerData.folder + file);
  let line = 1;
  for (const row of text.toString('utf8').split('\n')) {
    for (const [word] of row.matchAll(/[A-Za-z_]\w+/g)) {
      const places = index.get(word);
      if (places) places.push(line);
      else index.set(word, [line]);
    }
    line++;
  }
  return text;
}

const index = new Map();
const texts = workerData.files.map((file) => indexFile(file, index));
const text = new Uint8Array(Buffer.concat(texts)).buffer;
parentPort.postMessage({ index, text }, [text]);
