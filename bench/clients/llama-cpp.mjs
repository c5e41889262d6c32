import { getLlama } from 'node-llama-cpp';

/** node-llama-cpp in a process of its own: what an app has without a daemon. */
const { file, context: contextSize } = JSON.parse(process.argv[2]);
const llama = await getLlama({ gpu: false, build: 'never', logLevel: 'error' });
const model = await llama.loadModel({ modelPath: file });
const context = await model.createContext({ contextSize, threads: 1 });
const sequence = context.getSequence();

/** When each token came, in µs since the call. */
async function write({ prompt, tokens }) {
  const times = [];
  await sequence.clearHistory();
  const begun = performance.now();
  const read = [model.tokens.bos, ...model.tokenize(prompt)];
  for await (const _ of sequence.evaluate(read, { temperature: 0 })) {
    if (times.push((performance.now() - begun) * 1000) >= tokens) break;
  }
  return times;
}

process.on('message', async (question) => {
  try {
    process.send({ times: await write(question) });
  } catch (error) {
    process.send({ error: String(error) });
  }
});
process.send({ ready: true });
