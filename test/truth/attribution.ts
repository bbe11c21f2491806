// SPDX-License-Identifier: MIT
// Where a recording disagrees with what a test script says of itself.
import { isNodeInternal } from '../../ts/model/frame.js';
import { programs } from '../support/programs.js';
import type { Recording } from '../support/recording.js';
import { disagreement, type Expectation, type SeenFrame } from './expectations.js';

/** JavaScript frames of the script, leaf first. */
function scriptFrames(recording: Recording, stack: number): SeenFrame[] {
  return recording
    .frames(stack)
    .filter(({ kind, file }) => kind === 'js' && !isNodeInternal(file))
    .map((frame) => ({ ...frame, name: frame.name.replace(/^(?:get|set) /, '') }));
}

function problem(wanted: Expectation, recording: Recording, stack: number): string | undefined {
  const frames = scriptFrames(recording, stack);
  if (wanted.native === undefined) return disagreement(wanted, frames);
  const leaf = recording.nativeLeaf(stack);
  if (leaf?.module !== programs.addon || leaf.name !== wanted.native) return `in ${leaf?.name}`;
  const all = recording.frames(stack);
  const labels = all.filter(({ kind }) => kind === 'label').map(({ name }) => name);
  const wantedLabels = wanted.labels.join(' ');
  if (labels.join(' ') !== wantedLabels) return `below ${labels.join(' ')}, not ${wantedLabels}`;
  if (wanted.chain.length > 0) return disagreement(wanted, frames);
  return frames.length > 0 ? `with JavaScript: ${frames[0]?.name}` : undefined;
}

function problemsOf(wanted: Expectation, recording: Recording): string[] {
  const stacks = [...recording.stacksOfSize(wanted.size)];
  const total = stacks.reduce((sum, [, count]) => sum + count, 0);
  const where = `${wanted.file}:${wanted.line} (${wanted.size})`;
  const wrong = stacks.flatMap(([stack, count]) => {
    const text = problem(wanted, recording, stack);
    return text === undefined ? [] : [`${where}: ${count} of ${total} ${text}`];
  });
  return total === wanted.count
    ? wrong
    : [`${where}: ${total} times, not ${wanted.count}`, ...wrong];
}

export function attributionProblems(
  expectations: readonly Expectation[],
  recording: Recording,
): string[] {
  return expectations.flatMap((wanted) => problemsOf(wanted, recording));
}
