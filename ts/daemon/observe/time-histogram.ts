import { timeBoundsUs } from '../../protocol/histogram.ts';

/** Times in the buckets that engines count in, and their sum. */
export class TimeHistogram {
  readonly buckets: number[] = new Array(timeBoundsUs.length + 1).fill(0);
  totalUs = 0;

  add(us: number): void {
    this.totalUs += us;
    let low = 0;
    let high = timeBoundsUs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (us <= (timeBoundsUs[middle] ?? 0)) high = middle;
      else low = middle + 1;
    }
    this.buckets[low] = (this.buckets[low] ?? 0) + 1;
  }
}
