import { generate, httpRequest } from './generator.mjs';
import { nativeLoad } from './native.mjs';
import { hasPython, startProcess } from './processes.mjs';

/**
 * How an app can get an answer. Each way is `(model, clients, times) → latencies`; the row names are
 * those of the report.
 */
function httpInference({ id, shape, payloadBytes }) {
  const data = new Array(payloadBytes / 4).fill(0.5);
  const body = JSON.stringify({ inputs: { x: { shape, data } } });
  return httpRequest('POST', `/models/${encodeURIComponent(id)}/inference`, body);
}

/** Processes that stay for the whole run, and what each can be asked. */
export const wayStarts = (daemon) => [
  () => startProcess('clients/in-process.mjs'),
  () => startProcess('clients/attached.mjs', { socketPath: daemon.socketPath }),
  () => startProcess('clients/socket-client.mjs'),
  ...(hasPython()
    ? [() => startProcess('clients/attached.py', { socketPath: daemon.socketPath })]
    : []),
];

export function waysOf(daemon, [app, attached, socket, python]) {
  const http = new Map();
  const httpOf = (model) => {
    if (!http.has(model.id)) http.set(model.id, httpInference(model));
    return http.get(model.id);
  };
  return {
    'in-process': (model, clients, times) => app.ask({ model, clients, ...times }),
    'in-process-c': (model, clients, times) =>
      nativeLoad({ mode: 'run', model, clients, ...times }),
    'attached-sync': (model, clients, times) =>
      attached.ask({ way: 'sync', model, clients, ...times }),
    'attached-async': (model, clients, times) =>
      attached.ask({ way: 'async', model, clients, ...times }),
    'attached-c': (model, clients, times) =>
      nativeLoad({ mode: 'attached', socketPath: daemon.socketPath, model, clients, ...times }),
    ...(python === undefined
      ? {}
      : {
          'attached-python': (model, clients, times) => python.ask({ model, clients, ...times }),
        }),
    'socket-inline': (model, clients, times) =>
      socket.ask({ kind: 'infer', path: daemon.socketPath, model, clients, ...times }),
    'socket-memfd': (model, clients, times) =>
      socket.ask({ kind: 'memfd', path: daemon.socketPath, model, clients, ...times }),
    'http-json': (model, clients, times) =>
      generate({
        door: ['tcp', daemon.port],
        reply: 'http',
        request: httpOf(model),
        connections: clients,
        ...times,
      }),
  };
}

export const titles = {
  'in-process': 'onnxruntime-node in the app',
  'in-process-c': 'OrtApi::Run from C++',
  'attached-sync': 'attached, inferSync()',
  'attached-async': 'attached, await infer()',
  'attached-c': 'attached from C',
  'attached-python': 'attached from Python',
  'socket-inline': 'socket, tensors inline',
  'socket-memfd': 'socket, tensors in a memfd',
  'http-json': 'HTTP, JSON',
};
