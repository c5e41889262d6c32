import { InferenceSession, Tensor } from 'onnxruntime-node';
import { closedLoop, serveQuestions } from './closed-loop.mjs';

/** An app that carries the runtime itself: what MLOS is compared with. */
const { models } = JSON.parse(process.argv[2]);
const sessions = new Map();
for (const { id, file } of models) {
  sessions.set(id, await InferenceSession.create(file, { intraOpNumThreads: 1 }));
}

serveQuestions((question) => {
  const { modelId, shape, clients } = question;
  const session = sessions.get(modelId);
  const data = new Float32Array(shape.reduce((product, dim) => product * dim, 1)).fill(0.5);
  const ask = () => session.run({ x: new Tensor('float32', data, shape) });
  return closedLoop({ ...question, asks: new Array(clients).fill(ask) });
});
