import { summary } from '../stats.mjs';

/**
 * `clients` loops that each ask, wait and ask again. Latencies in µs, of the measured time only, which
 * lasts until there is an answer to measure; `total` counts the warm-up too.
 * @param {{ asks: readonly (() => Promise<unknown>)[], seconds: number, warmupSeconds: number }} options
 */
export async function closedLoop({ asks, seconds, warmupSeconds }) {
  const watch = stopwatch(seconds, warmupSeconds);
  const loop = async (ask) => {
    let sent = performance.now();
    while (watch.goesOn(sent)) {
      await ask();
      sent = watch.answered(sent);
    }
  };
  await Promise.all(asks.map(loop));
  return watch.result();
}

/** The same for a call that returns when it is done: one loop, and nothing else runs meanwhile. */
export function closedLoopSync({ ask, seconds, warmupSeconds }) {
  const watch = stopwatch(seconds, warmupSeconds);
  let sent = performance.now();
  while (watch.goesOn(sent)) {
    ask();
    sent = watch.answered(sent);
  }
  return watch.result();
}

function stopwatch(seconds, warmupSeconds) {
  const samples = [];
  const begin = performance.now() + warmupSeconds * 1000;
  const end = begin + seconds * 1000;
  let total = 0;
  let last = end;
  return {
    // A slow machine may still wait for the warm-up's answers when a short time has passed.
    goesOn: (sent) => sent < end || samples.length === 0,
    answered(sent) {
      const now = performance.now();
      total += 1;
      if (sent >= begin) samples.push((now - sent) * 1000);
      last = Math.max(last, now);
      return now;
    },
    result: () => ({ ...summary(samples), total, rps: (samples.length * 1000) / (last - begin) }),
  };
}

/** Answers each question of the parent process. */
export function serveQuestions(answer) {
  process.on('message', async (question) => {
    try {
      process.send(await answer(question));
    } catch (error) {
      process.send({ error: error.stack });
    }
  });
  process.on('SIGTERM', () => process.exit(0));
  process.send({ ready: true });
}
