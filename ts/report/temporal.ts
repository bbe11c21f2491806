// SPDX-License-Identifier: MIT
// Slices of time as plain data.

import type { Locations } from '../aggregate/location-table.js';
import type { LeakSlices } from '../aggregate/slice-leaks.js';
import type { PeakSlices } from '../aggregate/slice-peaks.js';
import type { Lives, SnapshotChanges } from '../model/time-slices.js';
import type { PlaceColumns, TemporalColumns } from './flamegraph-report.js';
import { milliseconds } from './timeline.js';

/** @param nodeOf the node of a stack of a thread */
export function temporalColumns(
  found: PeakSlices | LeakSlices,
  nodeOf: (stack: number, thread: number) => number,
): TemporalColumns {
  const { edges, exitEdge } = found.slices;
  const slices = { edges_ms: edges.map(milliseconds), exit_edge: exitEdge };
  if (found.kind === 'leaked') {
    const { places, columns } = usedPlaces(found.locations, found.lives, nodeOf);
    return { ...slices, places, lives: columns };
  }
  // What follows the last snapshot leads to none.
  const isKept = (_none: number, i: number) => (found.changes.slice[i] ?? 0) < found.peaks.length;
  const changes: SnapshotChanges = {
    slice: found.changes.slice.filter(isKept),
    place: found.changes.place.filter(isKept),
    bytes: found.changes.bytes.filter(isKept),
    count: found.changes.count.filter(isKept),
  };
  const { places, columns } = usedPlaces(found.locations, changes, nodeOf);
  const peaks = {
    bytes: [...found.peaks],
    time_ms: found.peakTimesNs.map(milliseconds),
    changes: columns,
  };
  return { ...slices, places, peaks };
}

/** Only locations that the columns name. */
function usedPlaces<Columns extends SnapshotChanges | Lives>(
  locations: Locations,
  columns: Columns,
  nodeOf: (stack: number, thread: number) => number,
): { places: PlaceColumns; columns: Columns } {
  const places: PlaceColumns = { node: [], thread: [], allocator: [] };
  const ids = new Map<number, number>();
  const place = columns.place.map((location) => {
    let id = ids.get(location);
    if (id === undefined) {
      const thread = locations.thread[location] as number;
      id = places.node.push(nodeOf(locations.stack[location] as number, thread)) - 1;
      places.thread.push(thread);
      places.allocator.push(locations.allocator[location] as number);
      ids.set(location, id);
    }
    return id;
  });
  return { places, columns: { ...columns, place } };
}
