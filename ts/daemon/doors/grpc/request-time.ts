import {
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
} from '@grpc/grpc-js';
import { MlosError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { type Connections, destroyLater } from './connections.ts';
import { statusOf } from './error.ts';

/**
 * Cuts a call whose message does not come, together with its connection: a client that sends byte by byte
 * does not read the status either. One that is sending a large message over a slow line may go on.
 */
export function requestTime(maxMs: number, connections: Connections): ServerInterceptor {
  return (method, call) => {
    // A stream may well wait for its first message.
    if (method.requestStream) return new ServerInterceptingCall(call);
    const socket = connections.of(call.getConnectionInfo());
    let before = socket?.bytesRead ?? 0;
    const timer = setInterval(() => {
      const now = socket?.bytesRead ?? 0;
      if (now - before >= limits.grpcProgressBytes) {
        before = now;
        return;
      }
      clearInterval(timer);
      const error = new MlosError(
        'DEADLINE_EXCEEDED',
        `The message of the call did not arrive within ${maxMs} ms.`,
      );
      call.sendStatus(statusOf(error, null));
      if (socket !== undefined) destroyLater(socket);
    }, maxMs).unref();
    const stop = () => clearInterval(timer);
    const listener = new ServerListenerBuilder()
      .withOnReceiveMessage((message, forward) => {
        stop();
        forward(message);
      })
      .withOnReceiveHalfClose((forward) => {
        stop();
        forward();
      })
      .withOnCancel(stop)
      .build();
    return new ServerInterceptingCall(call, { start: (next) => next(listener) });
  };
}
