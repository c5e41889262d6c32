import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import { connect } from '../../dist/client/client.js';
import { closedLoop, serveQuestions } from './closed-loop.mjs';

/** Apps on the Unix socket: `raw` sends prepared bytes, `health` and `infer` use the Node client. */
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

function prepare(question) {
  if (question.kind === 'raw') return rawAsks(question);
  if (question.kind === 'health') {
    return clientAsks(question, (client) => client.call('health.get', {}));
  }
  const { modelId, shape } = question;
  const data = new Float32Array(shape.reduce((product, dim) => product * dim, 1)).fill(0.5);
  return clientAsks(question, (client) => client.infer(modelId, { x: { shape, data } }));
}

serveQuestions(async (question) => {
  const { asks, close } = await prepare(question);
  try {
    return await closedLoop({ ...question, asks });
  } finally {
    await close();
  }
});
