import type { Clock, Timer } from './clock.ts';
import type { HostLimits } from './host-limits.ts';
import type { PluginProcess } from './plugin-process.ts';

/**
 * Asks an idle plugin for its health; one that misses several beats is killed. While work is on the
 * wire nothing is asked: a runtime may block the plugin's loop for as long as that work's deadline.
 */
export class Heartbeat {
  readonly #limits: HostLimits;
  readonly #clock: Clock;
  readonly #isBusy: () => boolean;
  #timer: Timer | null = null;

  constructor(options: { limits: HostLimits; clock: Clock; isBusy: () => boolean }) {
    this.#limits = options.limits;
    this.#clock = options.clock;
    this.#isBusy = options.isBusy;
  }

  start(process: PluginProcess): void {
    this.stop();
    this.#next(process, 0);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** `missed`: beats in a row that brought no answer. */
  #next(process: PluginProcess, missed: number): void {
    const { heartbeatMs, heartbeatMisses } = this.#limits;
    let answered = this.#isBusy();
    if (!answered) {
      process.link.request('health', {}, () => {
        answered = true;
      });
    }
    this.#timer = this.#clock.after(
      heartbeatMs,
      () => {
        const nowMissed = answered || this.#isBusy() ? 0 : missed + 1;
        if (nowMissed < heartbeatMisses) this.#next(process, nowMissed);
        else process.kill(`missed ${nowMissed} heart-beats`);
      },
      'background',
    );
  }
}
