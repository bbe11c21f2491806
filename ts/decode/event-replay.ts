// SPDX-License-Identifier: MIT
// Events that the kernel has written down, told to a consumer that wants each of them.

import type { RecordConsumer } from './consumer.js';
import { EVENT, EVENT_WORDS, INTEGER, type Kernel } from './kernel.js';

/** What a consumer must have for events of a kind to be written down. */
const HANDLERS: Readonly<Record<keyof typeof EVENT, keyof RecordConsumer>> = {
  alloc: 'onAlloc',
  free: 'onFree',
  unknownFree: 'onUnknownFree',
  missedFree: 'onMissedFree',
  foreignFree: 'onForeignFree',
  time: 'onTime',
  thread: 'onThread',
  definition: 'onDefinition',
};

export class EventReplay {
  readonly #kernel: Kernel;
  readonly #consumer: RecordConsumer;
  /** Word of the buffer. */
  readonly #start: number;

  constructor(kernel: Kernel, consumer: RecordConsumer) {
    this.#kernel = kernel;
    this.#consumer = consumer;
    this.#start = kernel.eventsAt;
    const kinds = (Object.keys(EVENT) as (keyof typeof EVENT)[]).filter(
      (kind) => consumer[HANDLERS[kind]] !== undefined,
    );
    kernel.integers[INTEGER.wanted] = kinds.reduce((bits, kind) => bits | (1 << EVENT[kind]), 0);
  }

  /** Tells them all, and forgets them. */
  tell(): void {
    const kernel = this.#kernel;
    const consumer = this.#consumer;
    const count = kernel.integers[INTEGER.eventCount] as number;
    if (count === 0) return;
    kernel.integers[INTEGER.eventCount] = 0;
    const { words, numbers } = kernel;
    const end = this.#start + count * EVENT_WORDS;
    for (let at = this.#start; at < end; at += EVENT_WORDS) {
      const kind = words[at + 5] as number;
      const id = words[at + 4] as number;
      const owner = words[at + 3] as number;
      if (kind === EVENT.alloc) {
        const size = numbers[at >> 1] as number;
        consumer.onAlloc?.(words[at + 2] as number, size, owner & 7, owner >>> 3, id);
      } else if (kind === EVENT.free) {
        const size = numbers[at >> 1] as number;
        consumer.onFree?.(words[at + 2] as number, size, owner & 7, owner >>> 3, id);
      } else if (kind === EVENT.time) {
        consumer.onTime?.(numbers[at >> 1] as number);
      } else {
        this.#rare(kind, words[at + 2] as number, owner, id);
      }
    }
  }

  #rare(kind: number, stack: number, owner: number, id: number): void {
    const consumer = this.#consumer;
    if (kind === EVENT.definition) {
      for (let i = 0; i < owner; i++) consumer.onDefinition?.({ type: 'node', id: id + i });
      consumer.onDefinition?.({ type: 'stack', id: stack });
    } else if (kind === EVENT.thread) {
      consumer.onThread?.(owner);
    } else if (kind === EVENT.foreignFree) {
      consumer.onForeignFree?.();
    } else if (kind === EVENT.missedFree) {
      consumer.onMissedFree?.(id);
    } else {
      consumer.onUnknownFree?.(id);
    }
  }
}
