// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';

function count(path: string, pattern: RegExp): number {
  try {
    return Number(pattern.exec(readFileSync(path, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** The control group (v2) of this process, as a path below the mount. */
function cgroup(): string {
  try {
    return /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '/';
  } catch {
    return '/';
  }
}

/**
 * How many processes the kernel has killed for want of memory: in the whole system, or, where a
 * container hides that, in this control group. Only a change in it means something.
 */
export function oomKills(): number {
  return (
    count('/proc/vmstat', /^oom_kill (\d+)$/m) +
    count(`/sys/fs/cgroup${cgroup()}/memory.events`, /^oom_kill (\d+)$/m)
  );
}
