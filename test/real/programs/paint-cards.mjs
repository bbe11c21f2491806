// SPDX-License-Identifier: MIT
// Paints pictures with a Rust addon, one of which is kept as a file: paint-cards.mjs
import { createHash } from 'node:crypto';
import { createCanvas } from '@napi-rs/canvas';

const [WIDTH, HEIGHT, CARDS] = [1600, 1000, 4];

function paint(number) {
  const card = createCanvas(WIDTH, HEIGHT);
  const context = card.getContext('2d');
  for (let ring = 20; ring > 0; ring--) {
    context.fillStyle = `hsl(${number * 60 + ring * 9} 80% 60%)`;
    context.beginPath();
    context.arc(WIDTH / 2, HEIGHT / 2, ring * 22, 0, 2 * Math.PI);
    context.fill();
  }
  return card;
}

const cards = Array.from({ length: CARDS }, (_, i) => paint(i));
const hash = createHash('sha256');
for (const card of cards) hash.update(await card.encode('png'));
console.log(`${cards.length} cards`, hash.digest('hex'));
