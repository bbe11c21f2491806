// SPDX-License-Identifier: MIT
import { execFileSync, spawn } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FormatError } from '../../ts/decode/format-error.js';
import { LONG_TAG } from '../../ts/format/constants.js';
import { type Compression, hasZstd } from '../../ts/resolve/compress.js';
import {
  FinalizeError,
  type FinalizeOptions,
  type FinalizeProgress,
  finalize,
} from '../../ts/resolve/finalize.js';
import { digest } from '../support/capture-digest.js';
import { temporaryFolder } from '../support/folder.js';
import {
  addEvents,
  block,
  fileHeader,
  type RingRecord,
  ringsFile,
  SampleCapture,
} from '../support/sample-capture.js';

const TRAILER = { end: 'exit', peakBytes: 12345, custom: { kept: true } };

function sample({ events = 3000, perBlock = 100, trailer = true } = {}): SampleCapture {
  const capture = new SampleCapture();
  capture.json(LONG_TAG.metadata, { command: ['node', 'app.js'], platform: 'linux' });
  const frames = ['a', 'b', 'c'].map((name, i) =>
    capture.frame(1, capture.function(name, '/app/index.js', i + 1, 1), i + 10, 5),
  );
  for (const frame of frames) capture.stack(frames[0] ?? 0, frame);
  addEvents(capture, { events, perBlock, stacks: frames.length });
  if (trailer) capture.json(LONG_TAG.trailer, TRAILER);
  return capture;
}

function write(bytes: Uint8Array, rings?: Uint8Array): string {
  const path = join(temporaryFolder(), 'capture.bin');
  writeFileSync(path, bytes);
  if (rings) writeFileSync(`${path}.rings`, rings);
  return path;
}

/** Finalizes, and checks that what the capture tells is the same. */
async function finalizeSame(path: string, options: FinalizeOptions = {}) {
  const before = await digest(path, { wholeTimes: true });
  const result = await finalize(path, options);
  const after = await digest(path, { wholeTimes: true });
  expect(after.events).toEqual(before.events);
  expect(after.stacks).toEqual(before.stacks);
  expect(after.end.metadata).toEqual(before.end.metadata);
  expect(after.end.header).toEqual({ ...before.end.header, finalized: true });
  expect(after.end.truncated).toBe(false);
  expect(readdirSync(dirname(path))).toEqual(['capture.bin']);
  return { before, after, result };
}

describe('finalize', () => {
  it.each<Compression>(['auto', 'gzip', 'none', ...(hasZstd ? ['zstd' as const] : [])])(
    'keeps every event, with compression %s',
    async (compression) => {
      const path = write(sample().bytes());
      const { before, after, result } = await finalizeSame(path, { compression });
      expect(before.events.length).toBeGreaterThan(3000);
      expect(after.end.trailer).toEqual(before.end.trailer);
      expect(after.end.bytesDropped).toBe(0);
      expect(result).toMatchObject({ changed: true, bytesAfter: statSync(path).size });
      if (compression !== 'none') expect(result.bytesAfter).toBeLessThan(result.bytesBefore * 0.8);
    },
  );

  it('changes nothing the second time', async () => {
    const path = write(sample().bytes());
    await finalize(path);
    const once = readFileSync(path);
    const result = await finalize(path);
    expect(result).toMatchObject({
      changed: false,
      bytesBefore: once.length,
      bytesAfter: once.length,
    });
    expect(readFileSync(path)).toEqual(once);
  });

  it('writes one trailer, as the last record', async () => {
    const path = write(sample().bytes());
    await finalize(path, { compression: 'none', exit: { code: 3, signal: null } });
    const { end, trailers } = await digest(path);
    expect(trailers).toBe(1);
    expect(end.trailer).toEqual({ ...TRAILER, exit: { code: 3, signal: null } });
  });

  it('replaces the trailer of compressed blocks too', async () => {
    const path = write(sample().bytes());
    await finalize(path, { compression: 'gzip' });
    const bytes = readFileSync(path);
    bytes.set(fileHeader()); // not marked as finalized
    writeFileSync(path, bytes);
    const { after } = await finalizeSame(path, { compression: 'none' });
    expect(after.trailers).toBe(1);
  });

  it('joins small blocks', async () => {
    const path = write(sample({ events: 5000, perBlock: 5 }).bytes());
    const { before, after } = await finalizeSame(path);
    expect(before.blockKinds.length).toBeGreaterThan(1000);
    expect(after.blockKinds.length).toBeLessThan(4);
  });

  it('cuts long captures into several groups', async () => {
    const capture = sample({ events: 100, trailer: false });
    // Text that does not compress makes groups that are as large as they may be.
    const noise = execFileSync('head', ['-c', '900000', '/dev/urandom'])
      .toString('hex')
      .slice(0, 1e6);
    for (let i = 0; i < 14; i++) {
      capture.string(noise.slice(i) + i);
      addEvents(capture, { events: 50, perBlock: 10, stacks: 3, seed: i + 2 });
      capture.endBlock();
    }
    const steps: string[] = [];
    let last = 0;
    const path = write(capture.bytes());
    const { before, after } = await finalizeSame(path, {
      onProgress: ({ step, bytes, totalBytes }) => {
        if (steps.at(-1) !== step) {
          steps.push(step);
          last = 0;
        }
        expect(bytes).toBeGreaterThanOrEqual(last);
        expect(bytes).toBeLessThanOrEqual(totalBytes);
        last = bytes;
      },
    });
    expect(steps).toEqual(['read', 'write']);
    expect(after.blockKinds.length).toBeGreaterThan(3);
    expect(after.blockKinds).not.toContain(1);
    expect(after.end.tables.next).toEqual(before.end.tables.next);
    for (let id = 1; id < after.end.tables.next.string; id++) {
      expect(after.end.tables.string(id) === before.end.tables.string(id)).toBe(true);
    }
  });

  it('keeps permissions, and follows links', async () => {
    const path = write(sample().bytes());
    chmodSync(path, 0o666);
    const link = join(temporaryFolder(), 'link.bin');
    symlinkSync(path, link);
    expect((await finalize(link)).changed).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o666);
    expect(readFileSync(link)).toEqual(readFileSync(path));
    expect((await digest(path)).end.header.finalized).toBe(true);
  });
});

describe('a capture that was cut off', () => {
  it('gets a trailer with the totals of what was read', async () => {
    const path = write(sample({ trailer: false }).bytes());
    const { after } = await finalizeSame(path, { exit: { code: null, signal: 'SIGKILL' } });
    const { trailer, counts, header } = after.end;
    const sizes = new Map<string, number>();
    let [heap, committed, live, peak, events, peakEvent, allocated] = [0, 0, 0, 0, 0, 0, 0];
    let missed = false;
    for (const event of after.events) {
      const [kind, ...rest] = event.split(' ');
      const id = rest[4] ?? '';
      if (kind === 'alloc') {
        sizes.set(id, Number(rest[1]));
        allocated += Number(rest[1]);
        live += Number(rest[1]);
      } else if (kind === 'free') {
        live -= sizes.get(id) ?? 0;
        sizes.delete(id);
      } else if (kind === 'map') {
        const { deltas } = JSON.parse(rest.join(' ')) as { deltas: { bytes: number }[] };
        for (const { bytes } of deltas) committed += bytes;
      }
      const isRecord =
        /^(alloc|free|map|unknown)$/.test(kind ?? '') && !(kind === 'free' && missed);
      missed = kind === 'missed';
      heap = live + committed;
      if (!isRecord) continue;
      events++;
      if (heap >= peak) [peak, peakEvent] = [heap, events];
    }
    expect(trailer).toMatchObject({
      end: 'killed',
      exit: { code: null, signal: 'SIGKILL' },
      allocations: counts.allocations,
      frees: counts.frees,
      foreignFrees: counts.foreignFrees,
      missedFrees: counts.missedFrees,
      allocatedBytes: allocated,
      liveBytes: live,
      liveBlocks: sizes.size,
      peakBytes: peak,
      peakEvent,
      durationNs: after.end.endTimeNs,
      endUnixNs: String(header.startUnixNs + BigInt(after.end.endTimeNs)),
    });
    expect(counts.missedFrees).toBeGreaterThan(0);
  });

  it('has its peak at the last of equal moments', async () => {
    const capture = new SampleCapture();
    const ids = [100, 0, 50].map((size, i) => capture.allocNew(0, 0, size, 16 * i + 1));
    for (const id of ids) capture.free(id);
    capture.time(7);
    capture.allocNew(0, 0, 150, 99);
    capture.allocNew(0, 0, 0, 98);
    capture.foreignFree();
    const path = write(capture.bytes());
    await finalize(path);
    const { trailer } = (await digest(path)).end;
    expect(trailer).toMatchObject({ peakBytes: 150, peakEvent: 8, peakTimeNs: 7000 });
  });

  it.each([
    [{ exit: { code: null, signal: 'SIGSEGV' } }, 'signal'],
    [{ exit: { code: 1, signal: null } }, 'killed'],
    [{}, 'killed'],
    [{ end: 'signal' as const, exit: { code: 1, signal: null } }, 'signal'],
  ])('ended as the caller says: %j', async (options, end) => {
    const path = write(sample({ events: 50, trailer: false }).bytes());
    await finalize(path, options);
    expect((await digest(path)).end.trailer?.end).toBe(end);
  });

  it('is finalized wherever the cut is', async () => {
    const whole = sample({ events: 400, perBlock: 40 }).bytes();
    let dropped = 0;
    for (let length = 64; length <= whole.length; length += 41) {
      const path = write(whole.subarray(0, length));
      const { before, after } = await finalizeSame(path, { compression: 'none' });
      expect(after.end.bytesDropped).toBe(0);
      if (!before.end.truncated) continue;
      expect(after.end.trailer).toMatchObject({ droppedBytes: before.end.bytesDropped });
      dropped += before.end.bytesDropped;
    }
    expect(dropped).toBeGreaterThan(1000);
  });

  it('within its header is refused and stays as it is', async () => {
    for (const length of [0, 1, 8, 63]) {
      const bytes = fileHeader().subarray(0, length);
      const path = write(bytes);
      await expect(finalize(path)).rejects.toThrow(FormatError);
      expect(readFileSync(path)).toEqual(Buffer.from(bytes));
      expect(readdirSync(dirname(path))).toEqual(['capture.bin']);
    }
  });

  it('loses its preallocated filler', async () => {
    const bytes = sample({ trailer: false }).bytes();
    const path = write(Buffer.concat([bytes, Buffer.alloc(1 << 20)]));
    const { result } = await finalizeSame(path, { compression: 'none' });
    expect(result.bytesAfter).toBeLessThan(bytes.length + 1000);
  });
});

describe('a damaged block', () => {
  const damaged = (options: { events: number; perBlock: number; trailer: boolean }) => {
    const bytes = sample(options).bytes();
    const second = 64 + 12 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(64, true);
    bytes[second + 12 + 30] = (bytes[second + 12 + 30] ?? 0) ^ 0xff;
    return bytes;
  };

  it.each<Compression>(['none', 'auto'])('stays, so that identifiers stay right: %s', async (c) => {
    const path = write(damaged({ events: 3000, perBlock: 100, trailer: true }));
    const { before, after } = await finalizeSame(path, { compression: c });
    expect(before.end.blocksDropped).toBe(1);
    expect(after.end.blocksDropped).toBe(1);
    expect(after.end.bytesDropped).toBe(before.end.bytesDropped);
  });

  it('keeps its place', async () => {
    const bytes = damaged({ events: 3000, perBlock: 100, trailer: true });
    const path = write(bytes);
    await finalize(path, { compression: 'none' });
    expect(readFileSync(path).subarray(64, 5000)).toEqual(Buffer.from(bytes).subarray(64, 5000));
  });

  it('at the end is cut off', async () => {
    const bytes = sample({ trailer: false }).bytes();
    const junk = block(1, new Uint8Array(50).fill(7));
    junk[20] = 0;
    const path = write(Buffer.concat([bytes, junk]));
    const { before, after } = await finalizeSame(path);
    expect(before.end.bytesDropped).toBe(62);
    expect(after.end.trailer).toMatchObject({ droppedBytes: 62 });
  });
});

describe('rings', () => {
  const base = () => {
    const capture = sample({ events: 300, perBlock: 50, trailer: false });
    const stack = 2;
    const known = capture.allocNew(0, stack, 111, 0x6000_0000_0010);
    capture.endBlock();
    capture.long(LONG_TAG.ring_stack, 1, 1, stack, 2, 3);
    capture.long(LONG_TAG.ring_tails, 1, 64);
    return { capture, known };
  };
  const LATE = 5_000_000;
  const first: RingRecord[] = [
    { kind: 'free', stamp: LATE, address: 0x6000_0000_0010 },
    {
      kind: 'alloc',
      stamp: LATE + 10,
      address: 0x6000_0000_0010,
      size: 5000,
      allocator: 2,
      stack: 1,
    },
    { kind: 'variable', stamp: LATE + 12, words: 5 },
    {
      kind: 'alloc',
      stamp: LATE + 15,
      address: 0x6100_0000_0000,
      size: 2 ** 40,
      allocator: 0,
      stack: 99,
    },
    { kind: 'map', stamp: LATE + 17, op: 0, stack: 2, words: [0x4000_0000_0000, 8192, 3, 0x22] },
    { kind: 'map', stamp: LATE + 19, op: 1, stack: 98, words: [0x4000_0000_0000, 4096, 0, 0] },
  ];
  const second: RingRecord[] = [
    { kind: 'free', stamp: LATE + 5, address: 0x123450 },
    { kind: 'alloc', stamp: LATE + 20, address: 0x6200_0000_0003, size: 0, allocator: 1, stack: 0 },
    {
      kind: 'alloc',
      stamp: LATE + 2500,
      address: 0x6200_0000_0003,
      size: 9,
      allocator: 1,
      stack: 0,
    },
    { kind: 'free', stamp: LATE + 3000, address: 0x6100_0000_0000 },
  ];
  const rings = () =>
    ringsFile([
      { thread: 1, tail: 64, records: first },
      { thread: 7, tail: 4072, records: second },
    ]);

  it('are merged and removed', async () => {
    const path = write(base().capture.bytes(), rings());
    const { before, after } = await finalizeSame(path);
    expect(before.end.ringsRecovered).toMatchObject({
      rings: 2,
      allocations: 4,
      frees: 2,
      foreignFrees: 1,
      maps: 2,
      lostStacks: 2,
      skippedRecords: 1,
    });
    expect(after.end.ringsRecovered).toBeNull();
    const { trailer, counts } = after.end;
    expect(trailer?.['recovered']).toEqual(before.end.ringsRecovered);
    expect(trailer?.allocations).toBe(counts.allocations);
    expect(counts).toMatchObject({
      allocations: before.end.counts.allocations,
      missedFrees: expect.any(Number),
    });
    expect(after.end.tables.next).toEqual(before.end.tables.next);
    expect(after.stacks.at(-1)).toContain('(stack lost)');
  });

  it('of many events are written in several blocks', async () => {
    const records: RingRecord[] = Array.from({ length: 120 }, (_, i) => ({
      kind: 'alloc',
      stamp: LATE + i * 1500,
      address: 0x6300_0000_0000 + i * 4096,
      size: i,
      allocator: i % 8,
      stack: 1,
    }));
    const many = Array.from({ length: 100 }, (_, i) => ({ thread: i + 1, tail: 64, records }));
    const path = write(base().capture.bytes(), ringsFile(many));
    const { before, after } = await finalizeSame(path, { compression: 'none' });
    expect(after.blockKinds.length).toBeGreaterThan(before.blockKinds.length + 1);
    expect(before.end.ringsRecovered?.allocations).toBe(12_000);
  });

  it('that are missing or of another capture are left alone', async () => {
    const path = write(base().capture.bytes(), ringsFile([{ thread: 1, records: first }], 77n));
    await finalize(path);
    const { end } = await digest(path);
    expect(end.trailer?.['recovered']).toBeNull();
    expect(existsSync(`${path}.rings`)).toBe(true);
  });

  it('that a crash left beside a finalized capture are removed', async () => {
    const path = write(base().capture.bytes(), rings());
    await finalize(path);
    const finalized = readFileSync(path);
    writeFileSync(`${path}.rings`, rings());
    const { end } = await digest(path);
    expect(end.ringsRecovered).toBeNull();
    expect((await finalize(path)).changed).toBe(false);
    expect(readdirSync(dirname(path))).toEqual(['capture.bin']);
    expect(readFileSync(path)).toEqual(finalized);
  });

  it('of a process that still records are not touched', async () => {
    // Maps the rings, as a recording process does.
    const script = 'import mmap,sys,time\nf=open(sys.argv[1],"r+b")\nm=mmap.mmap(f.fileno(),0)\n';
    const bytes = rings();
    const path = write(new Uint8Array(0), bytes);
    const child = spawn('python3', [
      '-c',
      `${script}print("ready",flush=True)\ntime.sleep(60)`,
      `${path}.rings`,
    ]);
    onTestFinished(() => void child.kill('SIGKILL'));
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const capture = new SampleCapture(fileHeader({ pid: child.pid ?? 0 })).bytes();
    writeFileSync(path, capture);
    await expect(finalize(path)).rejects.toThrow(FinalizeError);
    expect(readFileSync(path)).toEqual(Buffer.from(capture));
    expect(readFileSync(`${path}.rings`)).toEqual(Buffer.from(bytes));
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    expect((await finalize(path)).changed).toBe(true);
  });
});

/** Finalizing as a file that another process can run. */
function bundled(): string {
  const outfile = join(temporaryFolder(), 'finalize.mjs');
  const entry = fileURLToPath(new URL('../../ts/resolve/finalize.ts', import.meta.url));
  buildSync({ entryPoints: [entry], outfile, bundle: true, platform: 'node', format: 'esm' });
  return outfile;
}

function replace(path: string): void {
  copyFileSync(path, `${path}.copy`);
  renameSync(`${path}.copy`, path);
}

describe('a failure', () => {
  it('of the disk leaves the capture and its rings as they were', async () => {
    const bytes = sample({ events: 60_000, perBlock: 1000, trailer: false }).bytes();
    const rings = ringsFile([]);
    const path = write(bytes, rings);
    // The kernel refuses to write files longer than this.
    const limit = Math.floor(bytes.length / 1024 / 4);
    const script = `
      import { finalize } from ${JSON.stringify(bundled())};
      process.on('SIGXFSZ', () => {});
      await finalize(process.argv[2], { compression: 'none' }).catch((e) => console.log(e.code));`;
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'run.mjs'), script);
    const command = `ulimit -f ${limit}; exec "${process.execPath}" "${folder}/run.mjs" "${path}"`;
    const output = execFileSync('bash', ['-c', command], { encoding: 'utf8' });
    expect(output).toBe('EFBIG\n');
    expect(readFileSync(path).equals(bytes)).toBe(true);
    expect(readdirSync(dirname(path)).sort()).toEqual(['capture.bin', 'capture.bin.rings']);
    expect((await finalize(path)).changed).toBe(true);
  });

  it('in the middle leaves a file that the next run removes', async () => {
    const path = write(sample().bytes());
    const dead = execFileSync('bash', ['-c', 'echo $$'], { encoding: 'utf8' }).trim();
    const own = process.pid;
    for (const owner of [`${dead}-00112233`, `${own}-00112233`, '1-00112233']) {
      writeFileSync(`${path}.${owner}.finalizing`, 'half');
    }
    writeFileSync(`${path}.notes`, 'mine');
    await finalize(path);
    const left = readdirSync(dirname(path)).sort();
    // Process 1 is alive: it may be at work.
    expect(left).toEqual(['capture.bin', 'capture.bin.1-00112233.finalizing', 'capture.bin.notes']);
  });

  it.each<[string, (path: string) => void]>([
    ['becomes another', (path) => writeFileSync(path, sample({ events: 10 }).bytes())],
    ['grows', (path) => appendFileSync(path, block(1, Buffer.from([0, 0, 1, 1, 1, 1, 1, 1, 3])))],
    ['is replaced', (path) => replace(path)],
    ['is written to', (path) => utimesSync(path, 5000, 5000)],
  ])('when the capture %s meanwhile leaves it so', async (_, change) => {
    const path = write(sample().bytes());
    let changed: Buffer | undefined;
    const onProgress = ({ step }: FinalizeProgress) => {
      if (changed || step !== 'write') return;
      change(path);
      changed = readFileSync(path);
    };
    await expect(finalize(path, { onProgress })).rejects.toThrow(/meanwhile|while/);
    expect(readFileSync(path)).toEqual(changed);
    expect(readdirSync(dirname(path))).toEqual(['capture.bin']);
  });

  it('of a path that is no file is that of the system', async () => {
    await expect(finalize(temporaryFolder())).rejects.toThrow(/EISDIR/);
    await expect(finalize('/none/such')).rejects.toThrow(/ENOENT/);
  });

  it('does not hurt another that runs at once', async () => {
    const path = write(sample().bytes());
    const before = await digest(path);
    const results = await Promise.allSettled([finalize(path), finalize(path), finalize(path)]);
    expect(results.some((r) => r.status === 'fulfilled' && r.value.changed)).toBe(true);
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(FinalizeError);
    }
    const after = await digest(path);
    expect(after.events).toEqual(before.events);
    expect(readdirSync(dirname(path))).toEqual(['capture.bin']);
  });
});
