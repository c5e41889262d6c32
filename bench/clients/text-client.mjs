import { connect } from '../../dist/client/client.js';
import { closedLoop, serveQuestions } from './closed-loop.mjs';
import { turns } from './texts.mjs';

/** Apps that ask for the embedding of one text each: on the Unix socket with the Node client, or over HTTP. */
async function overSocket({ path, clients, id }) {
  const open = [];
  for (let i = 0; i < clients; i++) open.push(await connect({ socketPath: path }));
  return {
    asks: open.map((client, i) => {
      const next = turns(i * 2);
      return () => client.call('models.infer', { model_id: id, input: next() });
    }),
    close: () => Promise.all(open.map((client) => client.close())),
  };
}

async function overHttp({ endpoint, clients, id }) {
  const url = `${endpoint}/models/${encodeURIComponent(id)}/inference`;
  const asks = Array.from({ length: clients }, (_, i) => {
    const next = turns(i * 2);
    return async () => {
      const reply = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ input: next() }),
      });
      const body = await reply.text();
      if (!reply.ok) throw new Error(body);
    };
  });
  return { asks, close: async () => undefined };
}

const kinds = { socket: overSocket, http: overHttp };

serveQuestions(async (question) => {
  const { asks, close } = await kinds[question.kind](question);
  try {
    return await closedLoop({ ...question, asks });
  } finally {
    await close();
  }
});
