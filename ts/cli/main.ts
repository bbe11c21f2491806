#!/usr/bin/env node
// SPDX-License-Identifier: MIT
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Command, CommanderError, type Option } from 'commander';
import { packageRoot } from '../native/package-root.js';
import { type CommandEntry, commands } from './commands.js';
import { ignoreBrokenPipe, reportError } from './errors.js';
import { flagsOf, type Options, option } from './options.js';

function version(): string {
  const require = createRequire(import.meta.url);
  return (require(join(packageRoot(), 'package.json')) as { version: string }).version;
}

/** Whether `--` stood before the first positional argument: the rest is then a command, not a script. */
function afterDashes(rawArgs: readonly string[], args: readonly string[]): boolean {
  return rawArgs[rawArgs.length - args.length - 1] === '--';
}

/**
 * Without `=` the value of an option that may have one is what it is preset to: the next word is the program. What follows
 * the program is its own.
 */
function withPresets(args: readonly string[], options: readonly Option[]): string[] {
  const result = [...args];
  for (let i = 0; i < args.length && args[i]?.startsWith('-') && args[i] !== '--'; i++) {
    const arg = args[i] ?? '';
    const name = /^-\w+$/.test(arg) ? `-${arg.at(-1)}` : arg;
    const option = options.find(({ short, long }) => name === short || name === long);
    if (option?.optional) result[i] = `${arg}=${option.presetArg}`;
    if (option?.required) i++;
  }
  return result;
}

function subcommand(entry: CommandEntry, rawArgs: readonly string[]): Command {
  const command = new Command(entry.name)
    .summary(entry.summary)
    .description(`${entry.summary[0]?.toUpperCase()}${entry.summary.slice(1)}.`)
    .usage(entry.usage)
    .argument('[args...]')
    .configureHelp({
      visibleArguments: () => [],
      optionTerm: flagsOf,
    })
    .action(async (args: string[], options: Options) => {
      if (args.length > entry.maxArgs) {
        const more = args.slice(entry.maxArgs).join(' ');
        const why = entry.maxArgs === 1 ? ` (${entry.name} is about one process)` : '';
        command.error(`error: too many arguments: ${more}${why}`);
      }
      const { action } = await entry.load();
      await action(args, options, afterDashes(rawArgs, args));
    });
  if (entry.maxArgs === Number.POSITIVE_INFINITY) command.passThroughOptions();
  for (const name of entry.options) command.addOption(option(name));
  if (entry.help !== undefined) command.addHelpText('after', `\n${entry.help}`);
  return command;
}

function program(argv: readonly string[]): Command {
  const root = new Command('memtape')
    .description('A tracing memory profiler for Node.js.')
    .version(version(), '-V, --version', 'print the version')
    .enablePositionalOptions()
    .helpCommand(false)
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .addHelpText('after', '\nStart with: memtape run app.js');
  for (const entry of commands) root.addCommand(subcommand(entry, argv));
  for (const command of [root, ...root.commands]) {
    // One line, in our own words and without commander's `error:`, comes from reportError.
    command.exitOverride().configureOutput({ outputError: () => {} });
    command.showSuggestionAfterError().helpOption('-h, --help', 'print this');
  }
  return root;
}

ignoreBrokenPipe();
const argv = process.argv.slice(2);
try {
  if (argv.length === 0) {
    program(argv).outputHelp({ error: true });
    process.exitCode = 2;
  } else {
    const root = program(argv);
    const [name = '', ...args] = argv;
    const options = root.commands.find((command) => command.name() === name)?.options ?? [];
    await root.parseAsync([name, ...withPresets(args, options)], { from: 'user' });
  }
} catch (error) {
  if (!(error instanceof CommanderError && error.exitCode === 0)) reportError(error);
}
