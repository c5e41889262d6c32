import { summary } from '../stats.mjs';

/**
 * `clients` loops that each ask, wait and ask again. Latencies in µs, of the measured time only;
 * `total` counts the warm-up too.
 * @param {{ asks: readonly (() => Promise<unknown>)[], seconds: number, warmupSeconds: number }} options
 */
export async function closedLoop({ asks, seconds, warmupSeconds }) {
  const watch = stopwatch(seconds, warmupSeconds);
  const loop = async (ask) => {
    let sent = performance.now();
    while (sent < watch.end) {
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
  while (sent < watch.end) {
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
  return {
    end,
    answered(sent) {
      const now = performance.now();
      total += 1;
      if (sent >= begin) samples.push((now - sent) * 1000);
      return now;
    },
    result() {
      if (samples.length === 0) throw new Error('no answer came in the measured time');
      return { ...summary(samples), total, rps: samples.length / seconds };
    },
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
