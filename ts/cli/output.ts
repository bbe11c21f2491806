// SPDX-License-Identifier: MIT
// Where reports go: stdout, or a file that is whole or not there.
import { once } from 'node:events';
import { link, rename, rm, writeFile } from 'node:fs/promises';
import type { TextOptions } from '../text/text-options.js';

/** Writes to stdout at the pace of whoever reads it. */
export async function print(text: string | Uint8Array): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}

/** Where nobody says how wide it may be: enough for most names, and no line of a thousand columns. */
const PIPE_COLUMNS = 160;

function columns(): number {
  if (process.stdout.isTTY) return process.stdout.columns;
  const given = Number(process.env['COLUMNS']);
  return Number.isSafeInteger(given) && given > 0 ? given : PIPE_COLUMNS;
}

/** How wide and colourful text on stdout may be. */
export function stdoutStyle(): TextOptions {
  const { NO_COLOR, TERM } = process.env;
  const colour = process.stdout.isTTY && !NO_COLOR && TERM !== 'dumb';
  return { width: columns(), colour };
}

/** Writes a file in one step; with `overwrite` in place of an existing one. */
export async function writeReport(
  path: string,
  content: string | Iterable<Uint8Array>,
  overwrite: boolean,
): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, content, { flag: 'wx' });
    // Unlike rename, link fails when the name has been taken in the meantime.
    if (overwrite) await rename(temporary, path);
    else await link(temporary, path);
  } catch (error) {
    throw Object.assign(error as Error, { path });
  } finally {
    await rm(temporary, { force: true });
  }
}

export interface DataForms {
  readonly json: () => unknown;
  readonly csv: () => string;
}

/** The report as data, where --json or --csv asks for that. */
export function dataText(
  options: { readonly json?: boolean; readonly csv?: boolean },
  { json, csv }: DataForms,
): string | undefined {
  if (options.json) return `${JSON.stringify(json(), null, 2)}\n`;
  return options.csv ? csv() : undefined;
}
