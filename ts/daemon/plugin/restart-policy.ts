import type { HostLimits } from './host-limits.ts';

export interface Pause {
  readonly ms: number;
  /** True where the circuit breaker is open: requests are refused for the length of the pause. */
  readonly open: boolean;
}

/**
 * When a crashed plugin may start again. The first crash costs no pause, so that one kill is repaired
 * at once; then the pause doubles from backoffMinMs to backoffMaxMs. After circuitCrashes crashes
 * without a success the circuit opens for backoffMaxMs; the start after that is the half-open trial:
 * one more crash opens it again, one success closes it.
 */
export class RestartPolicy {
  readonly #limits: HostLimits;
  #crashes = 0;

  constructor(limits: HostLimits) {
    this.#limits = limits;
  }

  /** The plugin answered a request, rightly or with an error of its own: it works. */
  succeed(): void {
    this.#crashes = 0;
  }

  /** `healthyMs`: how long it had been ready when it crashed. */
  crash(healthyMs: number): Pause {
    const { backoffMinMs, backoffMaxMs, backoffResetMs, circuitCrashes } = this.#limits;
    this.#crashes = healthyMs >= backoffResetMs ? 1 : this.#crashes + 1;
    if (this.#crashes >= circuitCrashes) return { ms: backoffMaxMs, open: true };
    if (this.#crashes === 1) return { ms: 0, open: false };
    return { ms: Math.min(backoffMaxMs, backoffMinMs * 2 ** (this.#crashes - 2)), open: false };
  }
}
