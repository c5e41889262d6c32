import { AutoModelForCausalLM, AutoTokenizer, env } from '@huggingface/transformers';

/** @huggingface/transformers in a process of its own, on the runtime that it brings: what an app has without a daemon. */
env.allowRemoteModels = false;
const { folder } = JSON.parse(process.argv[2]);
const options = { local_files_only: true };
const tokenizer = await AutoTokenizer.from_pretrained(folder, options);
const model = await AutoModelForCausalLM.from_pretrained(folder, {
  ...options,
  dtype: 'fp32',
  session_options: { intraOpNumThreads: 1, interOpNumThreads: 1 },
});

/** When each token came, in µs since the call. */
async function write({ prompt, tokens }) {
  const times = [];
  const begun = performance.now();
  // The prompt is the first thing that it is handed.
  const streamer = {
    put: () => times.push((performance.now() - begun) * 1000),
    end: () => undefined,
  };
  await model.generate({
    ...tokenizer(prompt),
    max_new_tokens: tokens,
    do_sample: false,
    streamer,
  });
  return times.slice(1);
}

process.on('message', async (question) => {
  try {
    process.send({ times: await write(question) });
  } catch (error) {
    process.send({ error: String(error) });
  }
});
process.send({ ready: true });
