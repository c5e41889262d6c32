// One model, four ways to ask it. Needs a daemon; starts none.
//
//     node examples/attached.mjs <model id> [socket]
//
// The model has to take one float32 input.
import { connect } from '../dist/client/client.js';

const [modelId = 'my/mlp@1', socketPath = '/tmp/mlos.sock'] = process.argv.slice(2);
const print = (...words) => process.stdout.write(`${words.join(' ')}\n`);

const client = await connect({ socketPath });
const model = await client.attach(modelId);

const [input] = model.signature.inputs;
const [output] = model.signature.outputs;
const shape = (input.shape ?? [1]).map((dim) => (dim < 0 ? 1 : dim));
const count = shape.reduce((product, dim) => product * dim, 1);
const values = Float32Array.from({ length: count }, (_, i) => i / count);

// 1. One call: inputs are copied in, outputs are copied out.
const answer = await model.infer({ [input.name]: { shape, data: values } });
print(
  'infer       ',
  answer.outputs[output.name].shape.join('x'),
  `${answer.runUs.toFixed(1)} µs in the model`,
);

// 2. A request that is written in place and asked many times, without blocking the event loop.
const request = await model.request({ [input.name]: shape });
request.inputs[input.name].set(values);
const time = async (name, ask) => {
  const turns = 2_000;
  for (let i = 0; i < turns; i++) (await ask()).release();
  const start = performance.now();
  for (let i = 0; i < turns; i++) (await ask()).release();
  print(name, `${(((performance.now() - start) * 1_000) / turns).toFixed(1)} µs`);
};
await time('await infer ', () => request.infer());

// 3. The same, blocking the thread: for workers and for those who need every microsecond.
await time('inferSync   ', () => request.inferSync());

// 4. Many at once.
const many = 5_000;
const start = performance.now();
await Promise.all(
  Array.from({ length: many }, () => model.infer({ [input.name]: { shape, data: values } })),
);
print('pipelined   ', `${Math.round((many * 1_000) / (performance.now() - start))} requests/s`);

await client.close();
