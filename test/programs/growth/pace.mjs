// SPDX-License-Identifier: MIT
// Programs whose memory is a function of the time that they ran, however busy or stopped the machine is: what should be there by now
// is made up for at each step, and a step that comes later than `memtape leaks` takes for a delay counts as little as it does there.
const MOST_MS = 25 * 10;

/** Calls `step` with the milliseconds so far until it returns false. The first line on stdout says when that began, in seconds. */
export function pace(step) {
  console.log((performance.now() / 1000).toFixed(3));
  let ran = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    ran += Math.min(now - last, MOST_MS);
    last = now;
    if (!step(ran)) clearInterval(timer);
  }, 5);
}

/** Collects every so many milliseconds, at most once a step. */
export function collector(everyMs) {
  let next = everyMs;
  let collections = 0;
  return (ms) => {
    if (ms >= next) {
      globalThis.gc();
      collections++;
      next = ms + everyMs;
    }
    return collections;
  };
}
