// SPDX-License-Identifier: MIT
// Debug files come from the servers that the user names, into the cache that debuginfod's own client has.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import {
  cachedDebugFile,
  debuginfodServers,
  fetchDebugFiles,
} from '../../ts/resolve/debuginfod.js';
import { temporaryFolder } from '../support/folder.js';

const ID = '0123456789abcdef0123456789abcdef01234567';
const BODY = Buffer.alloc(300_000, 'debug ');

async function serve(answer: RequestListener): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const has: RequestListener = (_, response) => response.end(BODY);
const hasNot: RequestListener = (_, response) => response.writeHead(404).end();

function environment(...urls: readonly string[]): Record<string, string> {
  const cache = join(temporaryFolder(), 'cache');
  return { DEBUGINFOD_URLS: urls.join(' '), DEBUGINFOD_CACHE_PATH: cache };
}

const problemsOf = async (env: Record<string, string>) =>
  (await fetchDebugFiles([ID], env)).map(({ problem }) => problem);

test('the first server that has a file is asked for it once', async () => {
  const without = await serve(hasNot);
  const first = await serve(has);
  const second = await serve(has);
  const env = environment(without.url, `${first.url}/`, second.url);
  expect(await problemsOf(env)).toEqual(['']);
  expect(await problemsOf(env)).toEqual(['']);
  const path = `/buildid/${ID}/debuginfo`;
  expect([without.asked, first.asked, second.asked]).toEqual([[path], [path], []]);
  const file = cachedDebugFile(ID, env);
  expect(file).toBe(join(env['DEBUGINFOD_CACHE_PATH'] ?? '', ID, 'debuginfo'));
  expect(readFileSync(file).equals(BODY)).toBe(true);
  expect(readdirSync(dirname(file))).toEqual(['debuginfo']);
});

test('what no server has is not asked for again for ten minutes', async () => {
  const server = await serve(hasNot);
  const env = environment(server.url);
  await problemsOf(env);
  await problemsOf(env);
  expect(server.asked).toHaveLength(1);
  const past = Date.now() / 1000 - 601;
  utimesSync(cachedDebugFile(ID, env), past, past);
  await problemsOf(env);
  expect(server.asked).toHaveLength(2);
});

test('failures are said, and nothing of them stays', async () => {
  const broken = await serve((_, response) => response.writeHead(500).end());
  const cut = await serve((_, response) => {
    response.writeHead(200, { 'content-length': String(BODY.length) });
    response.write(BODY.subarray(0, 1000), () => response.destroy());
  });
  const env = environment(broken.url, cut.url, 'http://127.0.0.1:1');
  const [problem = ''] = await problemsOf(env);
  expect(problem).toContain(`${broken.url}: HTTP 500`);
  expect(problem).toContain(`${cut.url}: `);
  expect(problem).toContain('http://127.0.0.1:1: ');
  expect(existsSync(cachedDebugFile(ID, env))).toBe(false);
});

test('a server that says nothing is given up, and not asked for the next file', async () => {
  const silent = await serve(() => {});
  const env = { ...environment(silent.url), DEBUGINFOD_TIMEOUT: '0.2' };
  const others = ['aa', 'bb', 'cc', 'dd', 'ee'].map((end) => `${ID}${end}`);
  const found = await fetchDebugFiles([ID, ...others], env);
  expect(found.map(({ problem }) => problem)).toEqual(
    Array.from(found, () => `${silent.url}: no answer in time`),
  );
  // Four at a time.
  expect(silent.asked.length).toBeLessThanOrEqual(4);
});

test('only build-ids are asked for, and files of a bearable size', async () => {
  const server = await serve((_, response) => {
    response.writeHead(200, { 'content-length': String(BODY.length) }).end(BODY);
  });
  const env = { ...environment(server.url), DEBUGINFOD_MAXSIZE: '1000' };
  await fetchDebugFiles(['', '../../etc', ID], env);
  expect(server.asked).toEqual([`/buildid/${ID}/debuginfo`]);
  expect(readFileSync(cachedDebugFile(ID, env))).toHaveLength(0);
});

test('a cache that cannot be written is a problem, not an error', async () => {
  const server = await serve(has);
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'file'), '');
  const env = { DEBUGINFOD_URLS: server.url, DEBUGINFOD_CACHE_PATH: join(folder, 'file') };
  expect((await problemsOf(env))[0]).toContain('ENOTDIR');
});

test('the cache is where debuginfod has it', () => {
  const home = temporaryFolder();
  const end = join(ID, 'debuginfo');
  const plain = cachedDebugFile(ID, { HOME: home });
  expect(plain).toBe(join(home, '.cache', 'debuginfod_client', end));
  const xdg = cachedDebugFile(ID, { HOME: home, XDG_CACHE_HOME: '/x' });
  expect(xdg).toBe(join('/x/debuginfod_client', end));
  mkdirSync(join(home, '.debuginfod_client_cache'));
  expect(cachedDebugFile(ID, { HOME: home })).toBe(join(home, '.debuginfod_client_cache', end));
  expect(debuginfodServers({})).toEqual([]);
  expect(debuginfodServers({ DEBUGINFOD_URLS: 'ima:enforcing https://a/ \n file:///b' })).toEqual([
    'https://a',
  ]);
});
