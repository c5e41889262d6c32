import { loadUws } from '../../dist/daemon/doors/http/uws-library.js';

/** The least that an HTTP server on uWebSockets.js can do: "ok" to everything. */
const uws = loadUws();
if (typeof uws === 'string') {
  process.send({ error: uws });
} else {
  const app = uws.App().any('/*', (res) => {
    res.end('ok');
  });
  app.listen('127.0.0.1', 0, 1, (token) => process.send({ port: uws.us_socket_local_port(token) }));
}
process.on('SIGTERM', () => process.exit(0));
