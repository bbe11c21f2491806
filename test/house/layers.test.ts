// SPDX-License-Identifier: MIT
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkLayers } from '../../scripts/check-layers.mjs';

describe('layers', () => {
  let top: string;

  beforeEach(() => {
    top = mkdtempSync(join(tmpdir(), 'layers-'));
    mkdirSync(join(top, 'cpp'));
    mkdirSync(join(top, 'ts'));
  });
  afterEach(() => rmSync(top, { recursive: true }));

  function violations(file: string, text: string): string[] {
    const path = join(top, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return checkLayers(top).violations;
  }

  test('this tree keeps its arrows', () => {
    const { files, violations } = checkLayers();
    expect(violations).toEqual([]);
    expect(files).toBeGreaterThan(30);
  });

  test.each([
    ['cpp/hooks/a.cc', '#include "base/varint.h"\n#include <stdlib.h>\n'],
    ['cpp/base/a.cc', '#include "base/varint.h"\n'],
    ['cpp/binding/a.cc', '#include <napi.h>\n'],
    ['ts/cli/a.ts', "import { b } from '../decode/b.js';\n"],
    ['ts/cli/commands/a.ts', "import { b } from '../errors.js';\n"],
    ['ts/decode/a.ts', "import { open } from 'node:fs';\n"],
    ['ts/index.ts', "export { b } from './cli/b.js';\n"],
  ])('%s may do what it does', (file, text) => {
    expect(violations(file, text)).toEqual([]);
  });

  test.each([
    ['cpp/base/a.cc', '#include "track/tracker.h"\n', 'base (0) must not use track (4)'],
    ['cpp/format/a.h', '\n#include "os/os.h"\n', 'a.h:2: format (1) must not use os (1)'],
    ['cpp/log/a.cc', '  #  include "nowhere/os.h"\n', 'log (2) must not use nowhere (undefined)'],
    ['cpp/v8/a.cc', '#include <v8.h>\n', 'only cpp/binding may include v8.h'],
    ['cpp/tools/a.cc', '', 'cpp/tools has no number'],
    [
      'ts/decode/a.ts',
      "import type { B } from '../report/b.js';\n",
      'decode (2) must not use report',
    ],
    [
      'ts/decode/a.ts',
      "import {\n  b,\n} from '../model/b.js';\n",
      'decode (2) must not use model',
    ],
    ['ts/native/a.ts', "export * from '../cli/b.js';\n", 'native (1) must not use cli (8)'],
    ['ts/native/a.ts', "const b = await import('../cli/b.js');\n", 'native (1) must not use cli'],
    ['ts/native/a.ts', "import '../cli/b.js';\n", 'native (1) must not use cli'],
    ['ts/native/a.cts', "const b = require('../cli/b.cjs');\n", 'native (1) must not use cli'],
    ['ts/cli/a.ts', "import { b } from '../../scripts/b.mjs';\n", 'leaves ts/'],
    ['ts/other.ts', '', 'has no number'],
  ])('%s must not do %j', (file, text, message) => {
    expect(violations(file, text).join()).toContain(message);
  });
});
