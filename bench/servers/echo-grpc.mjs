import { Server, ServerCredentials } from '@grpc/grpc-js';

/** A message comes back as it came: what moving its bytes costs grpc-js itself. */
const { socketPath } = JSON.parse(process.argv[2]);
const same = (bytes) => bytes;
const server = new Server({
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
});
server.addService(
  {
    echo: {
      path: '/bench.Echo/Echo',
      requestStream: false,
      responseStream: false,
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    },
  },
  { echo: (call, answer) => answer(null, call.request) },
);
const bind = (address) =>
  new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });
await bind(`unix:${socketPath}`);
process.send({ port: await bind('127.0.0.1:0') });
process.on('SIGTERM', () => process.exit(0));
