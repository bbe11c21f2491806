// SPDX-License-Identifier: MIT
// Parses and prints JSON: json.cjs [COUNT]
'use strict';

const count = Number(process.argv[2] ?? 6_000);
const rows = Array.from({ length: 200 }, (_, i) => ({
  id: i,
  name: `row number ${i}`,
  tags: ['a', 'b', `tag ${i % 7}`],
  nested: { price: i * 1.5, when: `2026-01-${1 + (i % 28)}` },
}));
const text = JSON.stringify(rows);
let check = 0;
const start = process.hrtime.bigint();
for (let i = 0; i < count; i++) {
  const copy = JSON.parse(text);
  copy[i % 200].id = i;
  check += JSON.stringify(copy).length;
}
const elapsed = process.hrtime.bigint() - start;
console.log(`inner ${Number(elapsed) / 1e6} ms, check ${check}`);
