// SPDX-License-Identifier: MIT
// `npm run build [ts|native]`: dist/ and build/Release/.
import { needPackages } from './setup.mjs';

const parts = process.argv.slice(2);
const unknown = parts.find((part) => part !== 'ts' && part !== 'native');
if (unknown !== undefined) {
  console.error(`build: unknown part "${unknown}"; known: ts, native`);
  process.exit(2);
}

// As npm's "prepare" step the packages are being installed by whoever called.
if (process.env['npm_lifecycle_event'] !== 'prepare') needPackages();

if (parts.length === 0 || parts.includes('ts')) {
  const { buildTs } = await import('./build-ts.mjs');
  await buildTs();
}
if (parts.length === 0 || parts.includes('native')) {
  const { buildNative } = await import('./build-native.mjs');
  buildNative();
}
