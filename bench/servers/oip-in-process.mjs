import { InferenceSession, Tensor } from 'onnxruntime-node';
import { loadUws } from '../../dist/daemon/doors/http/uws-library.js';

/**
 * The least that answers the Open Inference Protocol's JSON: uWebSockets.js with the runtime in its own
 * process, one model, float32, nothing checked.
 */
const { file } = JSON.parse(process.argv[2]);
const uws = loadUws();
if (typeof uws === 'string') {
  process.send({ error: uws });
} else {
  const session = await InferenceSession.create(file, { intraOpNumThreads: 1 });
  const answer = async (body) => {
    const { id, inputs } = JSON.parse(body);
    const feeds = {};
    for (const { name, shape, data } of inputs) {
      feeds[name] = new Tensor('float32', Float32Array.from(data), shape);
    }
    const results = await session.run(feeds);
    const outputs = Object.entries(results).map(([name, { dims, data }]) => ({
      name,
      datatype: 'FP32',
      shape: dims,
      data: Array.from(data),
    }));
    return JSON.stringify({ id, model_name: 'model', model_version: '1', outputs });
  };
  const app = uws.App().post('/*', (res) => {
    let isAborted = false;
    const chunks = [];
    res.onAborted(() => {
      isAborted = true;
    });
    res.onData((chunk, isLast) => {
      chunks.push(Buffer.from(Buffer.from(chunk)));
      if (!isLast) return;
      void answer(Buffer.concat(chunks).toString()).then((text) => {
        if (isAborted) return;
        res.cork(() => {
          res.writeHeader('content-type', 'application/json').end(text);
        });
      });
    });
  });
  app.listen('127.0.0.1', 0, 1, (token) => process.send({ port: uws.us_socket_local_port(token) }));
}
process.on('SIGTERM', () => process.exit(0));
