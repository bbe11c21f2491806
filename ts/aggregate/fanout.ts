// SPDX-License-Identifier: MIT
// Several consumers behind one; a single consumer is used as it is and pays nothing.

import type { RecordConsumer } from '../decode/consumer.js';

type Handler = keyof RecordConsumer;

/** Only the callbacks that somebody has exist on the result, so that a decoder can skip the others. */
export function fanout(consumers: readonly RecordConsumer[]): RecordConsumer {
  const [only] = consumers;
  if (only !== undefined && consumers.length === 1) return only;
  const hot = (name: Handler) => consumers.filter((consumer) => consumer[name] !== undefined);
  return { ...eventFanout(hot), ...recordFanout(hot) };
}

type Listeners = (name: Handler) => RecordConsumer[];

/** Alloc, free and time come by the million: indexed loops and no rest arguments. */
function eventFanout(listeners: Listeners): RecordConsumer {
  const fan: RecordConsumer = {};
  const allocs = listeners('onAlloc');
  if (allocs.length > 0) {
    fan.onAlloc = (stack, size, allocator, thread, addressId) => {
      for (let i = 0; i < allocs.length; i++) {
        allocs[i]?.onAlloc?.(stack, size, allocator, thread, addressId);
      }
    };
  }
  const frees = listeners('onFree');
  if (frees.length > 0) {
    fan.onFree = (stack, size, allocator, thread, addressId) => {
      for (let i = 0; i < frees.length; i++) {
        frees[i]?.onFree?.(stack, size, allocator, thread, addressId);
      }
    };
  }
  const times = listeners('onTime');
  if (times.length > 0) {
    fan.onTime = (timeNs) => {
      for (let i = 0; i < times.length; i++) times[i]?.onTime?.(timeNs);
    };
  }
  return fan;
}

function recordFanout(listeners: Listeners): RecordConsumer {
  return {
    ...each('onStart', listeners),
    ...each('onMetadata', listeners),
    ...each('onBlock', listeners),
    ...each('onForeignFree', listeners),
    ...each('onMissedFree', listeners),
    ...each('onUnknownFree', listeners),
    ...each('onMap', listeners),
    ...each('onSample', listeners),
    ...each('onRss', listeners),
    ...each('onRssPages', listeners),
    ...each('onJsSample', listeners),
    ...each('onJsHeapStacks', listeners),
    ...each('onJsHeap', listeners),
    ...each('onGc', listeners),
    ...each('onMark', listeners),
    ...each('onStall', listeners),
    ...each('onFork', listeners),
  };
}

type RecordHandler =
  | 'onStart'
  | 'onMetadata'
  | 'onBlock'
  | 'onForeignFree'
  | 'onMissedFree'
  | 'onUnknownFree'
  | 'onMap'
  | 'onSample'
  | 'onRss'
  | 'onRssPages'
  | 'onJsSample'
  | 'onJsHeapStacks'
  | 'onJsHeap'
  | 'onGc'
  | 'onMark'
  | 'onStall'
  | 'onFork';

function each<Name extends RecordHandler>(name: Name, listeners: Listeners): RecordConsumer {
  const listening = listeners(name);
  if (listening.length === 0) return {};
  type Call = (...args: Parameters<NonNullable<RecordConsumer[Name]>>) => void;
  const call: Call = (...args) => {
    for (const consumer of listening) (consumer[name] as Call).apply(consumer, args);
  };
  return { [name]: call };
}
