import { env, pipeline } from '@huggingface/transformers';
import { closedLoop, serveQuestions } from './closed-loop.mjs';
import { texts, turns } from './texts.mjs';

/** @huggingface/transformers in a process of its own, one text at a time: what an app has without a daemon. */
env.allowRemoteModels = false;
const { folder, intraOpNumThreads } = JSON.parse(process.argv[2]);
const embed = await pipeline('feature-extraction', folder, {
  ...{ local_files_only: true, dtype: 'fp32' },
  ...(intraOpNumThreads === undefined ? {} : { session_options: { intraOpNumThreads } }),
});

/** Lists of texts of like length: the most that joining them can bring on this machine. */
const sorted = [...texts].sort((one, other) => one.length - other.length);

serveQuestions(async ({ seconds, warmupSeconds, joined = 1 }) => {
  const next = turns();
  let from = 0;
  const list = () => {
    from = (from + joined) % (sorted.length - joined);
    return sorted.slice(from, from + joined);
  };
  const options = { pooling: 'mean', normalize: true };
  const ask = () => embed(joined === 1 ? next() : list(), options);
  const result = await closedLoop({ asks: [ask], seconds, warmupSeconds });
  return { ...result, rps: result.rps * joined };
});
