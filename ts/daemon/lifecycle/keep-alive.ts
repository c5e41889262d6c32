import type { Clock, Timer } from '../plugin/clock.ts';
import type { Lifecycle } from './lifecycle.ts';

/*
 * Models that are unloaded when nobody has asked them for a while.
 *
 * 1. The time begins when the last request has ended, and anew with each request, whatever door it came through.
 * 2. Nothing is unloaded while a request is under way or somebody holds the model: an app that is attached, or a
 *    pipeline that is loaded. Looked at again once the model's queue is ours, since a request may have come meanwhile.
 * 3. What was said of a model holds until something else is said: it is loaded again by its next request, and
 *    goes again.
 */
interface Kept {
  /** Of the last word about it. */
  readonly ms: number;
  underWay: number;
  since: number;
  timer: Timer | null;
}

export class KeepAlive {
  readonly #lifecycle: Lifecycle;
  readonly #clock: Clock;
  readonly #defaultMs: number;
  readonly #isHeld: (id: string) => boolean;
  readonly #onFault: (id: string, fault: unknown) => void;
  readonly #kept = new Map<string, Kept>();

  constructor(options: {
    readonly lifecycle: Lifecycle;
    readonly clock: Clock;
    /** Of models of which nothing was said; below 0: until they are unloaded. */
    readonly defaultMs: number;
    readonly isHeld: (id: string) => boolean;
    readonly onFault: (id: string, fault: unknown) => void;
  }) {
    this.#lifecycle = options.lifecycle;
    this.#clock = options.clock;
    this.#defaultMs = options.defaultMs;
    this.#isHeld = options.isHeld;
    this.#onFault = options.onFault;
  }

  /** How long the model stays after its last request; below 0: until it is unloaded. */
  set(id: string, ms: number): void {
    const before = this.#kept.get(id);
    before?.timer?.cancel();
    const underWay = before?.underWay ?? 0;
    const kept: Kept = { ms, underWay, since: this.#clock.now(), timer: null };
    this.#kept.set(id, kept);
    if (underWay === 0) this.#watch(id, kept);
  }

  /** The model was loaded, without a request. */
  touch(id: string): void {
    const kept = this.#of(id);
    if (kept === null || kept.underWay > 0) return;
    kept.since = this.#clock.now();
    if (kept.timer === null) this.#watch(id, kept);
  }

  /** The model is no longer registered. */
  forget(id: string): void {
    this.#kept.get(id)?.timer?.cancel();
    this.#kept.delete(id);
  }

  /** Runs a request of the model (rule 1). A model that stays costs nothing. */
  during<T>(id: string, work: () => T): T {
    if (this.#of(id) === null) return work();
    this.#begin(id);
    let result: T;
    try {
      result = work();
    } catch (thrown) {
      this.#end(id);
      throw thrown;
    }
    if (!(result instanceof Promise)) this.#end(id);
    else {
      const end = () => this.#end(id);
      result.then(end, end);
    }
    return result;
  }

  /** When it goes if nobody asks it before, as the clock counts; null: it stays. */
  expiresAt(id: string): number | null {
    const kept = this.#kept.get(id);
    if (kept === undefined || kept.ms < 0) return null;
    return (kept.underWay > 0 ? this.#clock.now() : kept.since) + kept.ms;
  }

  #of(id: string): Kept | null {
    const known = this.#kept.get(id);
    if (known !== undefined) return known;
    if (this.#defaultMs < 0) return null;
    const kept: Kept = { ms: this.#defaultMs, underWay: 0, since: this.#clock.now(), timer: null };
    this.#kept.set(id, kept);
    return kept;
  }

  #begin(id: string): void {
    const kept = this.#kept.get(id);
    if (kept !== undefined) kept.underWay += 1;
  }

  #end(id: string): void {
    const kept = this.#kept.get(id);
    if (kept === undefined || kept.underWay === 0) return;
    kept.underWay -= 1;
    kept.since = this.#clock.now();
    if (kept.underWay === 0 && kept.timer === null) this.#watch(id, kept);
  }

  /** One timer for each model, which looks when it fires whether it is time. */
  #watch(id: string, kept: Kept): void {
    if (kept.ms < 0) return;
    const left = kept.since + kept.ms - this.#clock.now();
    kept.timer = this.#clock.after(left, () => this.#due(id, kept), 'background');
  }

  #due(id: string, kept: Kept): void {
    kept.timer = null;
    if (kept.underWay > 0) return;
    if (this.#isHeld(id)) kept.since = this.#clock.now();
    // A long time comes in several.
    if (kept.since + kept.ms > this.#clock.now()) this.#watch(id, kept);
    else this.#unload(id, kept).catch((fault: unknown) => this.#onFault(id, fault));
  }

  #unload(id: string, kept: Kept): Promise<void> {
    return this.#lifecycle.change(id, async (held) => {
      const isOver = this.#kept.get(id) !== kept || kept.underWay > 0 || this.#isHeld(id);
      if (!isOver) await held.unload();
      else if (this.#kept.get(id) === kept && kept.underWay === 0) this.touch(id);
    });
  }
}
