// SPDX-License-Identifier: MIT
// A bounded time series: when it is full, neighbours are merged and the highest and lowest of them survive.

/** Points of `width` numbers; column 0 is time, column 1 decides which points survive. */
export class Series {
  readonly #width: number;
  readonly #capacity: number;
  #points: Float64Array;
  #size = 0;
  /** How many points that were pushed become one or two kept ones. */
  #stride = 1;
  #pending: number[][] = [];
  #pushed = 0;

  constructor(width: number, capacity = 4000) {
    this.#width = width;
    this.#capacity = capacity - (capacity % 4);
    this.#points = new Float64Array(Math.min(64, this.#capacity) * width);
  }

  push(point: number[]): void {
    this.#pushed++;
    if (this.#stride === 1) {
      this.#append(point);
      return;
    }
    this.#pending.push(point);
    if (this.#pending.length >= this.#stride * 2) this.#flush();
  }

  get pushed(): number {
    return this.#pushed;
  }

  /** True when some points were merged away. */
  get decimated(): boolean {
    return this.#stride > 1;
  }

  columns(): number[][] {
    this.#flush();
    const columns: number[][] = Array.from({ length: this.#width }, () => []);
    for (let at = 0; at < this.#size * this.#width; at++) {
      columns[at % this.#width]?.push(this.#points[at] as number);
    }
    return columns;
  }

  #flush(): void {
    const group = this.#pending;
    this.#pending = [];
    for (const point of extremes(group)) this.#append(point);
  }

  #append(point: number[]): void {
    if (this.#size === this.#capacity) this.#halve();
    const at = this.#size++ * this.#width;
    if (at === this.#points.length) {
      const points = new Float64Array(Math.min(at * 2, this.#capacity * this.#width));
      points.set(this.#points);
      this.#points = points;
    }
    this.#points.set(point, at);
  }

  #halve(): void {
    const all = this.#size;
    this.#size = 0;
    this.#stride *= 2;
    for (let first = 0; first < all; first += 4) {
      const group: number[][] = [];
      for (let index = first; index < Math.min(first + 4, all); index++) {
        const at = index * this.#width;
        group.push([...this.#points.subarray(at, at + this.#width)]);
      }
      for (const point of extremes(group)) this.#append(point);
    }
  }
}

/** At most two points: the highest and the lowest, in order of time. */
function extremes(group: number[][]): number[][] {
  if (group.length <= 2) return group;
  let high = 0;
  let low = 0;
  for (const [index, point] of group.entries()) {
    if ((point[1] as number) > (group[high]?.[1] as number)) high = index;
    if ((point[1] as number) < (group[low]?.[1] as number)) low = index;
  }
  if (high === low) low = group.length - 1;
  return [group[Math.min(high, low)] as number[], group[Math.max(high, low)] as number[]];
}
