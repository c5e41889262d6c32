import { once } from 'node:events';
import { connect } from 'node:net';
import { descriptorOf, sendDescriptors } from '../../dist/native/fd-socket.js';
import { Region } from '../../dist/native/region.js';
import { FrameReader, frame } from '../../dist/protocol/frame.js';
import { limits } from '../../dist/protocol/limits.js';
import { decodeMsgpack, encodeMsgpack } from '../../dist/protocol/msgpack.js';

/**
 * An app that puts its input into sealed memory once and sends (descriptor, offset, length) with each
 * request; answers come inline.
 */
class MemfdConnection {
  #socket;
  #fd;
  #onAnswer = null;
  #id = 0;

  constructor(socket) {
    this.#socket = socket;
    this.#fd = descriptorOf(socket);
    const reader = new FrameReader({
      maxBytes: limits.ipcFrameBytes,
      onFrame: (payload) => this.#answered(decodeMsgpack(payload)),
    });
    socket.on('data', (chunk) => reader.push(chunk));
  }

  static async open(path) {
    const socket = connect(path);
    await once(socket, 'connect');
    const connection = new MemfdConnection(socket);
    await connection.call('connection.descriptors', {}, []);
    return connection;
  }

  call(method, params, fds) {
    this.#id += 1;
    const bytes = frame(encodeMsgpack([this.#id, method, params]));
    // A frame is small here, and nothing waits before it: the socket takes it whole.
    if (sendDescriptors(this.#fd, bytes, fds) !== bytes.byteLength)
      throw new Error('a short write');
    return new Promise((resolve, reject) => {
      this.#onAnswer = { resolve, reject };
    });
  }

  #answered([, error, result]) {
    const { resolve, reject } = this.#onAnswer;
    if (error === null) resolve(result);
    else reject(new Error(`${error.code}: ${error.message}`));
  }

  close() {
    this.#socket.destroy();
  }
}

export async function memfdAsks({ path, model, clients = 1 }) {
  const length = model.payloadBytes;
  const region = Region.create({ byteLength: length });
  const view = region.view();
  new Float32Array(view.buffer, view.byteOffset, length / 4).fill(0.5);
  region.seal('everyone');
  const x = { dtype: 'float32', shape: model.shape, memfd: { index: 0, offset: 0, length } };
  const params = { model_id: model.id, inputs: { x } };
  const open = [];
  for (let i = 0; i < clients; i++) open.push(await MemfdConnection.open(path));
  return {
    asks: open.map((one) => () => one.call('models.infer', params, [region.fd])),
    close: () => {
      for (const one of open) one.close();
      region.close();
    },
  };
}
