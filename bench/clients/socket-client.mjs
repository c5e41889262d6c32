import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import { connect } from '../../dist/client/client.js';
import { closedLoop, serveQuestions } from './closed-loop.mjs';
import { memfdAsks } from './memfd-client.mjs';

/**
 * Apps on the Unix socket: `raw` sends prepared bytes, `health` and `infer` use the Node client,
 * `memfd` puts its tensors into sealed memory and sends the descriptor.
 */
async function rawAsks({ path, request }) {
  const socket = connectSocket(path);
  await once(socket, 'connect');
  const bytes = Buffer.from(request, 'base64');
  let resolve;
  let missing = 0;
  socket.on('data', (chunk) => {
    if (missing === 0) missing = 4 + chunk.readUInt32BE(0);
    missing -= chunk.byteLength;
    if (missing === 0) resolve();
  });
  const ask = () =>
    new Promise((done) => {
      resolve = done;
      socket.write(bytes);
    });
  return { asks: [ask], close: () => socket.destroy() };
}

async function clientAsks({ path, clients = 1 }, askWith) {
  const open = [];
  for (let i = 0; i < clients; i++) open.push(await connect({ socketPath: path }));
  return {
    asks: open.map((client) => () => askWith(client)),
    close: () => Promise.all(open.map((client) => client.close())),
  };
}

function inferAsks(question) {
  const { id, shape, payloadBytes } = question.model;
  const data = new Float32Array(payloadBytes / 4).fill(0.5);
  return clientAsks(question, (client) => client.infer(id, { x: { shape, data } }));
}

const kinds = {
  raw: rawAsks,
  health: (question) => clientAsks(question, (client) => client.call('health.get', {})),
  infer: inferAsks,
  memfd: memfdAsks,
};

serveQuestions(async (question) => {
  const { asks, close } = await kinds[question.kind](question);
  try {
    return await closedLoop({ ...question, asks });
  } finally {
    await close();
  }
});
