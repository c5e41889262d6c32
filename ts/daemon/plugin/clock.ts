/** Time as the supervision sees it; tests bring their own. */
export interface Clock {
  /** Milliseconds since the epoch that never run backwards. */
  now(): number;
  /** `background` timers do not keep the process alive. */
  after(ms: number, run: () => void, kind?: 'background'): Timer;
}

export interface Timer {
  cancel(): void;
}

/** Node refuses longer timers (it fires them at once), so they are cut to this. */
const longestMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  after(ms, run, kind) {
    const timer = setTimeout(run, Math.min(Math.max(0, ms), longestMs));
    if (kind === 'background') timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};

/** Resolves with the event, or after `atMostMs` where that is given. */
export async function bounded(
  clock: Clock,
  event: Promise<void>,
  atMostMs: number | undefined,
): Promise<void> {
  if (atMostMs === undefined) return event;
  let timer: Timer | undefined;
  const passed = new Promise<void>((resolve) => {
    timer = clock.after(atMostMs, resolve);
  });
  await Promise.race([event, passed]);
  timer?.cancel();
}
