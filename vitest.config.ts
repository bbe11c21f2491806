// SPDX-License-Identifier: MIT
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'test/nodes/**'],
    globalSetup: ['scripts/vitest-setup.mjs'],
    // Tests start real processes and measure them: more workers than cores would measure the scheduler.
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
