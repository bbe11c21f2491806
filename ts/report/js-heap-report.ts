// SPDX-License-Identifier: MIT
// What a report says of a profile of the JavaScript heap, as plain data.
import type { JsHeapMoment } from '../model/profile.js';

/** One isolate: the main thread's, or a worker's. */
export interface JsHeapIsolate {
  readonly thread: string;
  /** When its profile was made. */
  readonly time_ns: number;
  /** Size of its heap then, as V8 says. */
  readonly used_bytes: number;
  readonly samples: number;
  /** Made when the program or the thread ended. */
  readonly at_end: boolean;
  /** Right after a full collection: nothing in it is garbage. */
  readonly collected: boolean;
}

export interface JsHeapReport {
  readonly moment: JsHeapMoment;
  /** On average from one sample to the next. */
  readonly interval_bytes: number;
  readonly samples: number;
  readonly isolates: readonly JsHeapIsolate[];
  /** `JS heap at its highest, sampled every 131.072kB`. */
  readonly title: string;
  /** Sentences for the reader. */
  readonly notes: readonly string[];
}
