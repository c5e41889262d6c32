import type { ErrorCode } from '../../protocol/error-codes.ts';
import { InferenceTimes } from './inference-times.ts';
import { RequestCounts } from './request-counts.ts';

/** Counts of requests since the start. Times are µs. One writer: the dispatcher. */
export class Counters {
  readonly startedAtMs = Date.now();
  readonly requests = new RequestCounts();
  readonly inferenceTimes = new InferenceTimes();
  #succeeded = 0;
  #failed = 0;
  #totalUs = 0;
  #inferences = 0;
  readonly #errorsByCode = new Map<ErrorCode, number>();

  success(durationUs: number, method: string, door: string): void {
    this.requests.add(method, door, 'OK', durationUs);
    this.#succeeded += 1;
    this.#totalUs += durationUs;
  }

  failure(durationUs: number, code: ErrorCode, method: string, door: string): void {
    this.requests.add(method, door, code, durationUs);
    this.#failed += 1;
    this.#totalUs += durationUs;
    this.#errorsByCode.set(code, (this.#errorsByCode.get(code) ?? 0) + 1);
  }

  inference(): void {
    this.#inferences += 1;
  }

  snapshot(): {
    readonly succeeded: number;
    readonly failed: number;
    readonly averageUs: number;
    readonly inferences: number;
    readonly errorsByCode: Readonly<Record<string, number>>;
  } {
    const total = this.#succeeded + this.#failed;
    return {
      succeeded: this.#succeeded,
      failed: this.#failed,
      averageUs: total === 0 ? 0 : Math.round((this.#totalUs / total) * 10) / 10,
      inferences: this.#inferences,
      errorsByCode: Object.fromEntries(this.#errorsByCode),
    };
  }
}
