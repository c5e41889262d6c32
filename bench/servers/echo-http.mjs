import { loadUws } from '../../dist/daemon/doors/http/uws-library.js';

/** A body comes back as it came: what moving its bytes costs uWebSockets.js itself. */
const uws = loadUws();
if (typeof uws === 'string') {
  process.send({ error: uws });
} else {
  const app = uws.App().post('/*', (res) => {
    const chunks = [];
    res.onAborted(() => undefined);
    res.onData((chunk, isLast) => {
      chunks.push(Buffer.from(Buffer.from(chunk)));
      if (isLast) res.end(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
    });
  });
  app.listen('127.0.0.1', 0, 1, (token) => process.send({ port: uws.us_socket_local_port(token) }));
}
process.on('SIGTERM', () => process.exit(0));
