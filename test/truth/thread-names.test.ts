// SPDX-License-Identifier: MIT
// Reports say what each thread is; and a program's threads are as they would be without memtape.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { threadText } from '../../ts/report/thread-text.js';
import { folderOf, temporaryFolder } from '../support/folder.js';
import { checkBundle, finish, top } from '../support/memtape.js';
import { nodes } from '../support/nodes.js';
import { buildPrograms, programs } from '../support/programs.js';
import { type Recording, readRecording, record } from '../support/recording.js';

const fixture = fileURLToPath(new URL('fixtures/named-threads.cjs', import.meta.url));
const env = { TRUTH_ADDON: programs.addon };

beforeAll(() => {
  checkBundle();
  buildPrograms();
});

/** What the threads are called, without numbers that depend on which of them came first. */
function namesOf({ end }: Recording): string[] {
  return [...end.tables.threads.values()].map((info) => {
    const text = threadText(info.thread, info);
    return info.kind === 'worker' ? text : text.replace(/ \d+/, '');
  });
}

describe.each(nodes())('Node.js $version', ({ path, major }) => {
  test('threads have their kinds and names', async () => {
    const recorded = record(path, [fixture], { folder: temporaryFolder(), env });
    expect(recorded).toMatchObject({ status: 0, stderr: '' });
    const recording = await readRecording(recorded.capture);
    const { metadata, tables } = recording.end;
    expect(tables.threads.get(metadata.mainThread ?? 0)?.kind).toBe('main');
    const names = namesOf(recording);
    expect(names.filter((name) => name === 'main')).toHaveLength(1);
    expect(names.filter((name) => name.startsWith('worker')).sort()).toEqual([
      'worker 1 (resize: named-threads.cjs)',
      'worker 2 (named-threads.cjs)',
      'worker 3 (short: [worker eval])',
    ]);
    expect(names.filter((name) => name.startsWith('libuv pool'))).toHaveLength(4);
    expect(names.some((name) => name.startsWith('V8 platform'))).toBe(true);
    if (major >= 26) expect(names).toContain('V8 platform (node-V8Worker)');
    expect(names).toContain('native (renamed)');
  });

  test('a Tracker that comes later knows them too, where Node.js names them', async () => {
    const folder = folderOf({
      'app.mjs': `import { readFile } from 'node:fs/promises';
      import { scrypt } from 'node:crypto';
      import { Tracker } from ${JSON.stringify(`${top}dist/index.js`)};
      const hash = () => new Promise((resolve) => scrypt('a', 'b', 32, { N: 1024 }, resolve));
      await hash();
      const tracker = new Tracker('later.bin');
      await hash();
      tracker.stop();`,
    });
    const { status, stderr } = finish(path, [join(folder, 'app.mjs')], { cwd: folder });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const names = namesOf(await readRecording(join(folder, 'later.bin')));
    const pool = names.filter((name) => name.startsWith('libuv pool'));
    expect(pool).toHaveLength(major >= 22 ? 1 : 0);
  });
});
