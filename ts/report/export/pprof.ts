// SPDX-License-Identifier: MIT
// pprof's profile.proto, compressed: what `go tool pprof` and most profile stores read.

import { gzipSync } from 'node:zlib';
import { Profile, StringTable } from 'pprof-format';
import { ALLOCATOR_NAMES, type Profile as MemoryProfile } from '../../model/profile.js';
import { threadText } from '../thread-text.js';
import type { ExportChunks, ExportInput } from './input.js';
import { PprofLocations } from './pprof-locations.js';

/** The whole run, then what is asked for. */
const VALUES = 4;

export function pprof(input: ExportInput): ExportChunks {
  const { profile, stats, startUnixNs } = input;
  const strings = new StringTable();
  const text = (value: string) => strings.dedup(value);
  const locations = new PprofLocations(input.stacks, strings);
  const held = profile.kind === 'temporary' ? 'temporary' : 'inuse';
  const valueType = (type: string, unit: string) => ({ type: text(type), unit: text(unit) });
  const sample = samples(input, locations, text);
  const encoded = new Profile({
    sampleType: [
      valueType('alloc_objects', 'count'),
      valueType('alloc_space', 'bytes'),
      valueType(`${held}_objects`, 'count'),
      valueType(`${held}_space`, 'bytes'),
    ],
    sample,
    mapping: locations.mappings(),
    location: locations.locations,
    function: locations.functions,
    stringTable: strings,
    timeNanos: startUnixNs,
    durationNanos: Math.round(stats.metadata.duration_ms * 1e6),
    periodType: valueType('space', 'bytes'),
    period: 1,
    comment: [text(stats.metadata.command_line), text(`memtape: ${profile.kind}`)],
    defaultSampleType: text(`${held}_space`),
  });
  return [gzipSync(encoded.encode())];
}

interface PprofSample {
  readonly locationId: number[];
  readonly value: number[];
  readonly label: { key: number; str: number }[];
}

/** One for each stack, thread and allocator, which are labels: `-tagfocus`, `-tagshow`. */
function samples(
  { profile, allocated, threads }: ExportInput,
  locations: PprofLocations,
  text: (value: string) => number,
): PprofSample[] {
  const merged = new Map<string, PprofSample>();
  const add = ({ rows }: MemoryProfile, firstValue: number) => {
    for (let row = 0; row < rows.size; row++) {
      const stack = rows.stack[row] as number;
      const thread = rows.thread[row] as number;
      const allocator = rows.allocator[row] as number;
      const key = `${stack} ${thread} ${allocator}`;
      let sample = merged.get(key);
      if (sample === undefined) {
        const label = (name: string, value: string) => ({ key: text(name), str: text(value) });
        const info = threads.get(thread);
        sample = {
          locationId: locations.of(stack),
          value: new Array<number>(VALUES).fill(0),
          label: [
            label('thread', threadText(thread, info)),
            label('allocator', ALLOCATOR_NAMES[allocator] ?? ''),
            ...(info?.process ? [label('process', info.process.name)] : []),
          ],
        };
        merged.set(key, sample);
      }
      sample.value[firstValue] = rows.count[row] as number;
      sample.value[firstValue + 1] = rows.bytes[row] as number;
    }
  };
  add(allocated, 0);
  add(profile, 2);
  return [...merged.values()];
}
