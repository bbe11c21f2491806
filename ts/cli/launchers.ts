// SPDX-License-Identifier: MIT
import { basename } from 'node:path';

const PACKAGE_MANAGERS = ['npm', 'npx', 'pnpm', 'pnpx', 'yarn', 'yarnpkg', 'corepack'];
const SHELLS = ['sh', 'ash', 'bash', 'dash', 'ksh', 'zsh'];
const LAUNCHERS = new Set([...PACKAGE_MANAGERS, ...SHELLS, 'make', 'time']);

/** Whether a command is known to do its work in processes that it starts. */
export const startsOthers = (command: string): boolean => LAUNCHERS.has(basename(command));
