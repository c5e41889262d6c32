import { Client, credentials } from '@grpc/grpc-js';
import { closedLoop, serveQuestions } from './closed-loop.mjs';

/** A client of grpc-js that sends prepared bytes and does not decode the answer. */
const same = (bytes) => bytes;

serveQuestions(async ({ target, path, request, seconds, warmupSeconds }) => {
  const client = new Client(target, credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
  });
  const bytes = Buffer.from(request, 'base64');
  const ask = () =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(path, same, same, bytes, (error, answer) =>
        error === null ? resolve(answer) : reject(error),
      );
    });
  try {
    await ask(); // Connects.
    return await closedLoop({ asks: [ask], seconds, warmupSeconds });
  } finally {
    client.close();
  }
});
