// SPDX-License-Identifier: MIT
// Which site of one capture is which site of another: lines shift, folders move, packages get new versions.

import type { Frame } from '../model/frame.js';

export interface SidePlace {
  /** Of several lines that are compared as one: the one with most bytes. */
  readonly frame: Frame;
  readonly bytes: number;
  readonly count: number;
  /** Innermost function of its largest stack. */
  readonly via: string;
}

/** A site in both captures, or in one of them. */
export interface Match {
  readonly before: SidePlace | null;
  readonly after: SidePlace | null;
}

/**
 * A function and its file, as far as both are the same program on any machine: paths from the working directory on, packages without
 * where they are installed, native modules without their folder.
 */
export function siteKey(frame: Frame, cwd: string): string {
  return `${frame.kind}\0${frame.name}\0${fileKey(frame, cwd)}`;
}

function fileKey({ kind, file }: Frame, cwd: string): string {
  if (kind === 'native') return baseName(file);
  const inPackage = file.lastIndexOf('/node_modules/');
  if (inPackage >= 0) return file.slice(inPackage + 1);
  return cwd !== '' && file.startsWith(`${cwd}/`) ? file.slice(cwd.length + 1) : file;
}

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

type Groups = Map<string, SidePlace[]>;

function groupBy(places: Iterable<SidePlace>, key: (place: SidePlace) => string): Groups {
  const groups: Groups = new Map();
  for (const place of places) {
    const name = key(place);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [place]);
    else group.push(place);
  }
  return groups;
}

export interface MatchInput {
  readonly places: readonly SidePlace[];
  readonly cwd: string;
}

export function matchSites(before: MatchInput, after: MatchInput): Match[] {
  const old = groupBy(before.places, ({ frame }) => siteKey(frame, before.cwd));
  const now = groupBy(after.places, ({ frame }) => siteKey(frame, after.cwd));
  const matches: Match[] = [];
  for (const [key, group] of old) {
    const other = now.get(key);
    if (other === undefined) continue;
    matches.push(...pairs(group, other));
    old.delete(key);
    now.delete(key);
  }
  matches.push(...moved(old, now));
  for (const group of old.values()) matches.push({ before: merged(group), after: null });
  for (const group of now.values()) matches.push({ before: null, after: merged(group) });
  return matches;
}

/** Edits above shift lines and keep their order; when lines came or went, the function is compared as a whole. */
function pairs(before: readonly SidePlace[], after: readonly SidePlace[]): Match[] {
  if (before.length !== after.length) return [{ before: merged(before), after: merged(after) }];
  const byLine = (places: readonly SidePlace[]) =>
    [...places].sort((a, b) => a.frame.line - b.frame.line);
  const others = byLine(after);
  return byLine(before).map((place, i) => ({
    before: merged([place]),
    after: merged([others[i] as SidePlace]),
  }));
}

/** A function whose file went elsewhere: the same name in a file of the same name, and only one such on each side. */
function moved(before: Groups, after: Groups): Match[] {
  const keyOf = ({ frame }: SidePlace): string =>
    frame.kind === 'js' && !frame.name.startsWith('(')
      ? `${frame.name}\0${baseName(frame.file)}`
      : '';
  const byName = (groups: Groups): Map<string, string[]> => {
    const keys = new Map<string, string[]>();
    for (const [key, [first]] of groups) {
      const name = keyOf(first as SidePlace);
      if (name !== '') keys.set(name, [...(keys.get(name) ?? []), key]);
    }
    return keys;
  };
  const others = byName(after);
  const matches: Match[] = [];
  for (const [name, keys] of byName(before)) {
    const [from, to] = [keys, others.get(name) ?? []];
    if (from.length !== 1 || to.length !== 1) continue;
    const [oldKey, newKey] = [from[0] as string, to[0] as string];
    matches.push(...pairs(before.get(oldKey) ?? [], after.get(newKey) ?? []));
    before.delete(oldKey);
    after.delete(newKey);
  }
  return matches;
}

function merged(places: readonly SidePlace[]): SidePlace {
  const largest = places.reduce((a, b) => (b.bytes > a.bytes ? b : a));
  return {
    frame: largest.frame,
    bytes: places.reduce((sum, { bytes }) => sum + bytes, 0),
    count: places.reduce((sum, { count }) => sum + count, 0),
    via: largest.via,
  };
}
