// SPDX-License-Identifier: MIT
// The captures of processes that a recorded program started (--follow): which files they are.
import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { expandTemplate } from '../tracker/destination.js';

const literal = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
const PID = '\u0000';

/**
 * Names of captures by any process. Without `%p` in it, the preload library puts `.<pid>` before the
 * extension for every process but the first.
 */
function namePattern(template: string): RegExp {
  const name = basename(template);
  const own = name.replace(/%[p%]/g, (key) => (key === '%p' ? PID : '%'));
  if (own.includes(PID)) return new RegExp(`^${literal(own).replaceAll(PID, '\\d+')}$`);
  const extension = extname(own);
  const stem = own.slice(0, own.length - extension.length);
  return new RegExp(`^${literal(stem)}\\.\\d+${literal(extension)}$`);
}

/** Captures by this template that were written to since a time, the one at `except` left out. */
export function followedCaptures(template: string, sinceMs: number, except: string): string[] {
  const folder = dirname(expandTemplate(template, { pid: 0 }));
  const pattern = namePattern(template);
  return readdirSync(folder)
    .filter((name) => pattern.test(name))
    .map((name) => join(folder, name))
    .filter((path) => path !== except && statSync(path).mtimeMs >= sinceMs)
    .sort();
}
