// SPDX-License-Identifier: MIT
// memtape run: records a program, finishes its capture, says what was found.
import { statSync } from 'node:fs';
import { defaultTemplate, expandTemplate } from '../../tracker/destination.js';
import { traceEnvironment } from '../../tracker/environment.js';
import { endLike, launch } from '../../tracker/launch.js';
import { UsageError } from '../../tracker/usage-error.js';
import type { Action } from '../commands.js';
import { reportError } from '../errors.js';
import { otherCaptures } from '../followed.js';
import { startsOthers } from '../launchers.js';
import type { Options } from '../options.js';
import { preloadable, sharedObjects, traceSettings } from '../trace-setup.js';

interface Program {
  /** What the capture is called after. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

/** `run -e code [args]`, `run -- command [args]` or `run script [args]`. */
function program(args: readonly string[], options: Options, dashes: boolean): Program {
  const node = process.execPath;
  if (options.eval !== undefined) {
    const rest = args.length > 0 ? ['--', ...args] : [];
    return { name: 'eval', command: node, args: ['-e', options.eval, ...rest] };
  }
  const [first, ...rest] = args;
  if (first === undefined || first === '') {
    throw new UsageError(
      'nothing to run',
      'memtape run app.js, memtape run -e "code", or memtape run -- any command',
    );
  }
  if (dashes) return { name: first, command: first, args: rest };
  return { name: first, command: node, args };
}

/** Tells a capture from the one that was there before. */
function identity(path: string): string | null {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true });
  return found === undefined ? null : `${found.dev}:${found.ino}:${found.ctimeNs}`;
}

export const action: Action = async (args, options, dashes) => {
  const { name, command, args: commandArgs } = program(args, options, dashes);
  const settings = await traceSettings(options, options.output ?? defaultTemplate(name), {
    follow: dashes && startsOthers(command),
  });
  const environment = traceEnvironment(settings, preloadable(sharedObjects()));
  const before = identity(expandTemplate(settings.output, { pid: 0 }));

  const startedMs = Date.now();
  const ended = await launch(command, commandArgs, environment);

  const path = expandTemplate(settings.output, { pid: ended.pid });
  const after = identity(path);
  try {
    const { afterRun } = await import('../after-run.js');
    await afterRun({
      path,
      written: after !== null && after !== before,
      command: [command, ...commandArgs],
      ended,
      compress: options.compress,
      ...(options.confidentialFiles && { confidentialFiles: options.confidentialFiles }),
      quiet: options.quiet ?? false,
      follow: settings.follow,
      others: otherCaptures(settings.output, startedMs, path).filter(
        ({ pid }) => settings.follow || pid === ended.pid,
      ),
    });
  } catch (error) {
    reportError(error);
  }
  // Whatever became of the capture, the caller sees how the program ended.
  endLike(ended);
};
