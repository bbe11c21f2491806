// SPDX-License-Identifier: MIT
import { once } from 'node:events';

/** Writes to stdout at the pace of whoever reads it. */
export async function print(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}
