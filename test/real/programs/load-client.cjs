// SPDX-License-Identifier: MIT
// Sends a fixed number of JSON bodies: load-client.cjs PORT REQUESTS
const autocannon = require('autocannon');

const [port, requests] = process.argv.slice(2).map(Number);
const lines = Array.from({ length: 40 }, (_, i) => ({
  article: `article number ${i}`,
  price: 100 + i,
  count: (i % 7) + 1,
}));

autocannon(
  {
    url: `http://127.0.0.1:${port}/orders`,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ customer: 'one of many', lines }),
    connections: 8,
    amount: requests,
  },
  (error, result) => {
    if (error) throw error;
    console.log(`2xx ${result['2xx']}, other ${result.non2xx}, errors ${result.errors}`);
  },
);
