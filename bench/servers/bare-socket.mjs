import { createServer } from 'node:net';

/**
 * The least that a Node server on a Unix socket can do: for each arrival of bytes, prepared bytes.
 * It reads nothing, so it only serves clients that wait for their answer.
 */
const { path, answer } = JSON.parse(process.argv[2]);
const bytes = Buffer.from(answer, 'base64');
const server = createServer((socket) => {
  socket.on('data', () => socket.write(bytes));
  socket.on('error', () => socket.destroy());
});
server.listen(path, () => process.send({ path }));
process.on('SIGTERM', () => process.exit(0));
