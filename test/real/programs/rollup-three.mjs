// SPDX-License-Identifier: MIT
// Bundles three.js from its sources and prints what came out.
import { createHash } from 'node:crypto';
import { rollup } from 'rollup';

const bundle = await rollup({
  input: new URL('../node_modules/three/src/Three.js', import.meta.url).pathname,
});
const { output } = await bundle.generate({ format: 'es', sourcemap: true });
await bundle.close();
for (const chunk of output) {
  const text = chunk.type === 'chunk' ? chunk.code : chunk.source;
  console.log(chunk.fileName, text.length, createHash('sha256').update(text).digest('hex'));
}
