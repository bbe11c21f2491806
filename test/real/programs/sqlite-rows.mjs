// SPDX-License-Identifier: MIT
// Fills a table in memory and asks it: sqlite-rows.mjs
import { DatabaseSync } from 'node:sqlite';

const [ROWS, TEXT_BYTES] = [10_000, 1000];
const database = new DatabaseSync(':memory:');
database.exec('CREATE TABLE words (id INTEGER PRIMARY KEY, text TEXT)');

function insertRows() {
  const insert = database.prepare('INSERT INTO words (text) VALUES (?)');
  for (let i = 0; i < ROWS; i++) insert.run(String(i).padStart(TEXT_BYTES, '.'));
}

insertRows();
const { count, bytes } = database
  .prepare('SELECT count(*) AS count, sum(length(text)) AS bytes FROM words')
  .get();
console.log(`${count} rows, ${bytes} bytes`);
