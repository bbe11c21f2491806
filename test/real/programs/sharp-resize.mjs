// SPDX-License-Identifier: MIT
// Makes JPEGs of noise and resizes them on libuv's and libvips's threads: sharp-resize.mjs [IMAGES]
import { createHash } from 'node:crypto';
import sharp from 'sharp';

const images = Number(process.argv[2] ?? 24);

// A fixed linear congruential generator: the same picture in every run.
function noise(width, height, seed) {
  const pixels = Buffer.alloc(width * height * 3);
  let state = seed >>> 0;
  for (let i = 0; i < pixels.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    pixels[i] = (state >>> 24) * 0.25 + ((i / 3) % width) * (160 / width);
  }
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 85 })
    .toBuffer();
}

const sources = await Promise.all([1, 2, 3].map((seed) => noise(1600, 1200, seed)));
const thumbnails = await Promise.all(
  Array.from({ length: images }, (_, i) =>
    sharp(sources[i % sources.length])
      .resize(320 + (i % 5) * 40)
      .sharpen()
      .jpeg({ quality: 80 })
      .toBuffer(),
  ),
);
const hash = createHash('sha256');
for (const thumbnail of thumbnails) hash.update(thumbnail);
console.log(`${thumbnails.length} thumbnails`, hash.digest('hex'));
