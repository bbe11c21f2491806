// SPDX-License-Identifier: MIT
// Memory by the place in the code that answers for it.

import { isAllocating } from '../model/allocating.js';
import { type Frame, frameCategory, isNodeInternal, placeText } from '../model/frame.js';
import type { NamedStacks } from '../model/named-stacks.js';
import { bytesByStack, type Profile } from '../model/profile.js';

export interface Site {
  readonly function: string;
  readonly file: string;
  readonly line: number;
  readonly package: string;
  /** `function:file:line` */
  readonly location: string;
  readonly bytes: number;
  readonly count: number;
  /** Of the profile's bytes, 0 to 1. */
  readonly share: number;
  /** The innermost frame through which most of it was allocated that is no allocator, when that is another one. */
  readonly via: string;
}

export interface SiteSum {
  readonly frame: number;
  bytes: number;
  count: number;
}

/** Sums per frame that `siteOf` names, in order of first appearance. */
export function sumBySite(
  profile: Profile,
  siteOf: (stack: number) => number,
): { sums: SiteSum[]; largestStack: Map<number, number> } {
  const sums = new Map<number, SiteSum>();
  const largest = new Map<number, { stack: number; bytes: number }>();
  for (const [stack, { bytes, count }] of bytesByStack(profile.rows)) {
    const frame = siteOf(stack);
    const sum = sums.get(frame) ?? { frame, bytes: 0, count: 0 };
    sums.set(frame, sum);
    sum.bytes += bytes;
    sum.count += count;
    if (bytes > (largest.get(frame)?.bytes ?? -1)) largest.set(frame, { stack, bytes });
  }
  const largestStack = new Map([...largest].map(([frame, { stack }]) => [frame, stack]));
  return { sums: [...sums.values()], largestStack };
}

const isOutsideNode = (frame: Frame) => isScript(frame) && !isNodeInternal(frame.file);

export interface PackageSum {
  /** `name@version`, `(program)` for scripts of none, `(Node.js and native code)` where no other script is in the stack. */
  readonly package: string;
  bytes: number;
  count: number;
}

/** Sums per package of the innermost frame outside Node.js itself. */
export function sumByPackage(profile: Profile, stacks: NamedStacks): PackageSum[] {
  const { sums } = sumBySite(profile, (stack) => stacks.ownSite(stack, isOutsideNode));
  const packages = new Map<string, PackageSum>();
  for (const { frame: id, bytes, count } of sums) {
    const frame = stacks.frames.get(id);
    const none = isOutsideNode(frame) ? '(program)' : '(Node.js and native code)';
    const name = isOutsideNode(frame) && frame.package !== '' ? frame.package : none;
    const sum = packages.get(name) ?? { package: name, bytes: 0, count: 0 };
    packages.set(name, sum);
    sum.bytes += bytes;
    sum.count += count;
  }
  return [...packages.values()];
}

/** The innermost frame of the program's own code, else of a dependency's, else whoever answers for the allocation. */
export function ownSiteOf(stacks: NamedStacks): (stack: number) => number {
  const isApp = (frame: Frame) => isScript(frame) && frameCategory(frame) === 'app';
  return (stack) => {
    const app = stacks.ownSite(stack, isApp);
    return isApp(stacks.frames.get(app)) ? app : stacks.ownSite(stack, isOutsideNode);
  };
}

/**
 * The name of the innermost frame between `site` and the allocation, '' if there is none. Debug information brings the standard
 * library's functions that were inlined there: `std::make_unique` says less than who called it.
 */
export function viaText(stacks: NamedStacks, site: number, stack: number): string {
  const path = stacks.path(stack);
  const between = path.slice(0, Math.max(0, path.indexOf(site)));
  const frames = between.map((id) => stacks.frames.get(id));
  return (frames.find((frame) => !isAllocating(frame)) ?? frames[0])?.name ?? '';
}

/** The places in the program's own code (else in dependencies, else anywhere) that hold the most. */
export function topSites(profile: Profile, stacks: NamedStacks, limit: number): Site[] {
  const { sums, largestStack } = sumBySite(profile, ownSiteOf(stacks));
  sums.sort((a, b) => b.bytes - a.bytes || b.count - a.count || a.frame - b.frame);
  return sums.slice(0, limit).map((sum) => {
    const frame = stacks.frames.get(sum.frame);
    return {
      function: frame.name,
      file: frame.file,
      line: frame.line,
      package: frame.package,
      location: locationText(frame),
      bytes: sum.bytes,
      count: sum.count,
      share: profile.totalBytes === 0 ? 0 : sum.bytes / profile.totalBytes,
      via: viaText(stacks, sum.frame, largestStack.get(sum.frame) ?? 0),
    };
  });
}

function isScript(frame: Frame): boolean {
  return (frame.kind === 'js' || frame.kind === 'wasm') && frame.file !== '';
}

/** memray's spelling, `function:file:line`; frames without a file are their name. */
export function locationText(frame: Frame): string {
  const place = placeText(frame);
  return place === '' || (frame.kind === 'native' && frame.line === 0)
    ? frame.name
    : `${frame.name}:${place}`;
}
