import { InferenceSession, Tensor } from 'onnxruntime-node';
import { closedLoop, serveQuestions } from './closed-loop.mjs';

/** An app that carries the runtime itself: what MLOS is compared with. */
const sessions = new Map();

async function sessionOf({ id, file }) {
  if (!sessions.has(id)) {
    // One model at a time: several of them would only hold each other's memory.
    for (const session of sessions.values()) await session.release();
    sessions.clear();
    sessions.set(id, await InferenceSession.create(file, { intraOpNumThreads: 1 }));
  }
  return sessions.get(id);
}

serveQuestions(async (question) => {
  const { model, clients } = question;
  const session = await sessionOf(model);
  const data = new Float32Array(model.payloadBytes / 4).fill(0.5);
  const ask = () => session.run({ x: new Tensor('float32', data, model.shape) });
  return closedLoop({ ...question, asks: new Array(clients).fill(ask) });
});
