import { connect } from '../../dist/client/client.js';
import { closedLoop, closedLoopSync, serveQuestions } from './closed-loop.mjs';

/**
 * Apps with a channel of their own to the plugin process: `sync`, `async` (as many channels as
 * clients), and `pipelined` (one channel, many requests under way).
 */
const { socketPath } = JSON.parse(process.argv[2]);
const held = [];
const client = await connect({ socketPath });

async function attach({ id, payloadBytes }, options = {}) {
  const room = Math.max(64 * 1024, 2 * payloadBytes);
  return client.attach(id, { inputBytes: room, ...options });
}

async function requestFor(attached, { shape }) {
  const request = await attached.request({ x: shape });
  request.inputs.x.fill(0.5);
  return request;
}

const ways = {
  async sync(question) {
    const attached = await attach(question.model);
    try {
      const request = await requestFor(attached, question.model);
      return closedLoopSync({ ...question, ask: () => request.inferSync().release() });
    } finally {
      await attached.close();
    }
  },
  async async(question) {
    const all = [];
    try {
      for (let i = 0; i < question.clients; i++) {
        all.push(await attach(question.model, question.attachOptions));
      }
      const asks = [];
      for (const attached of all) {
        const request = await requestFor(attached, question.model);
        asks.push(async () => (await request.infer()).release());
      }
      return await closedLoop({ ...question, asks });
    } finally {
      await Promise.all(all.map((attached) => attached.close()));
    }
  },
  async pipelined(question) {
    const attached = await attach(question.model, { inputBytes: 1024 * 1024 });
    try {
      const asks = [];
      for (let i = 0; i < question.depth; i++) {
        const request = await requestFor(attached, question.model);
        asks.push(async () => (await request.infer()).release());
      }
      return await closedLoop({ ...question, asks });
    } finally {
      await attached.close();
    }
  },
  /** Attaches, asks each once and then keeps still: what do idle clients cost? */
  async hold({ models, clients }) {
    for (let i = 0; i < clients; i++) {
      const model = models[i % models.length];
      const attached = await attach(model);
      held.push(attached);
      const request = await requestFor(attached, model);
      (await request.infer()).release();
    }
    return { held: held.length };
  },
};

serveQuestions((question) => ways[question.way](question));
