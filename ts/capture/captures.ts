// SPDX-License-Identifier: MIT
// The captures of several processes, such as those of a cluster: each process at its own peak, all in one report.

import { UsageError } from '../tracker/usage-error.js';
import { Capture } from './capture.js';
import { Recording } from './recording.js';
import { type ProfileSelection, Reports } from './reports.js';

export class Captures extends Reports {
  /** As they were given. */
  readonly captures: readonly Capture[];

  private constructor(captures: readonly Capture[]) {
    super();
    this.captures = captures;
  }

  /** @internal */
  static async open(paths: readonly string[]): Promise<Captures> {
    if (!Array.isArray(paths) || paths.length === 0) {
      throw new UsageError('openCaptures needs the paths of captures', "['a.bin', 'b.bin']");
    }
    const captures: Capture[] = [];
    const group = new Captures(captures);
    try {
      for (const path of paths) captures.push(await Capture.open(path));
    } catch (error) {
      await group.close();
      throw error;
    }
    return group;
  }

  /** @internal */
  async recording(selection: ProfileSelection, measured: boolean): Promise<Recording> {
    const read = this.captures.map((capture) => capture.read(selection, measured));
    return new Recording(await Promise.all(read));
  }

  /** Closes all of them. */
  async close(): Promise<void> {
    await Promise.all(this.captures.map((capture) => capture.close()));
  }

  [Symbol.dispose](): void {
    void this.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
