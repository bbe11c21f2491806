// SPDX-License-Identifier: MIT
// Who asks at the same time shares a pass; what a complete capture answered once it will answer again.

import type { CaptureSource } from '../decode/byte-source.js';
import type { RecordConsumer } from '../decode/consumer.js';
import { type Pass, readPass } from './pass.js';

export interface Answer<T> {
  readonly consumer: T;
  readonly pass: Pass;
}

export class Passes {
  readonly #source: CaptureSource;
  readonly #answers = new Map<string, Promise<Answer<RecordConsumer>>>();
  #waiting: RecordConsumer[] = [];
  #next: Promise<Pass> | null = null;
  #complete: Pass | null = null;

  constructor(source: CaptureSource) {
    this.#source = source;
  }

  /** A consumer that has seen the whole capture. Equal keys must come with equal consumers. */
  ask<T extends RecordConsumer>(key: string, make: () => T): Promise<Answer<T>> {
    let answer = this.#answers.get(key) as Promise<Answer<T>> | undefined;
    if (answer === undefined) {
      answer = this.#answer(key, make());
      this.#answers.set(key, answer);
    }
    return answer;
  }

  /** Any pass. */
  async any(): Promise<Pass> {
    return this.#complete ?? (await this.ask('', () => ({}))).pass;
  }

  async #answer<T extends RecordConsumer>(key: string, consumer: T): Promise<Answer<T>> {
    this.#waiting.push(consumer);
    this.#next ??= Promise.resolve().then(() => this.#read());
    try {
      const pass = await this.#next;
      // The next time there may be more of it.
      if (pass.end.truncated) this.#answers.delete(key);
      return { consumer, pass };
    } catch (error) {
      this.#answers.delete(key);
      throw error;
    }
  }

  async #read(): Promise<Pass> {
    const consumers = this.#waiting;
    this.#waiting = [];
    this.#next = null;
    const pass = await readPass(this.#source, consumers);
    if (pass.end.truncated) return pass;
    // All passes over a complete capture have the same tables: one copy will do.
    this.#complete ??= pass;
    return this.#complete;
  }
}
