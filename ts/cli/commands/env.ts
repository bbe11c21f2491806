// SPDX-License-Identifier: MIT
// memtape env: `eval "$(memtape env)"`, and what is started from that shell is recorded.

import { NativeError } from '../../native/native-error.js';
import { traceEnvironment } from '../../tracker/environment.js';
import type { Action } from '../commands.js';
import { print } from '../output.js';
import { sharedObjects, traceSettings } from '../trace-setup.js';

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

export const action: Action = async (_args, options) => {
  const settings = await traceSettings(options, options.output ?? 'memtape.%p.bin');
  const files = sharedObjects();
  if (/[\s:]/.test(files.preload)) {
    throw new NativeError(`LD_PRELOAD cannot hold a path with a space or colon: ${files.preload}`, {
      code: 'ERR_MEMTAPE_PATH',
      hint: 'use `memtape run`, or install memtape in another folder',
    });
  }
  const environment = traceEnvironment(settings, files);
  if (options.json) return print(`${JSON.stringify(environment, null, 2)}\n`);
  const lines = Object.entries(environment).map(
    ([name, value]) => `export ${name}=${quote(value)}\n`,
  );
  return print(lines.join(''));
};
