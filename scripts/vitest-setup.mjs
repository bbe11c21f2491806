// SPDX-License-Identifier: MIT
// Tests of the command and the package run dist/, so it must be what ts/ says now.
import { bundle } from './build-ts.mjs';

/** @param {{ provide: (key: 'bundleError', value: string) => void }} project */
export default async function setup({ provide }) {
  try {
    await bundle();
    provide('bundleError', '');
  } catch (error) {
    // Only the tests that need dist/ fail; the others say more about what is wrong.
    provide('bundleError', String(error));
  }
}
