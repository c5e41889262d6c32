import { type CallOptions, type Client, connect } from '../../client/client.ts';
import { callHttp } from '../../client/http-client.ts';
import { MlosError } from '../../protocol/errors.ts';
import type { MethodName, Params, Result } from '../../protocol/method-table.ts';
import { type CommonOptions, configOf } from './options.ts';
import { daemonOfFolder, NotRunning, namedSocket } from './running.ts';

/** A daemon that has not answered a question by then hangs. */
export const question: CallOptions = { timeoutMs: 5_000 };

/** A daemon that commands ask: over its socket, or HTTP where it has none. */
export interface DaemonLine {
  readonly where: string;
  call<N extends MethodName>(method: N, params: Params<N>, wait?: CallOptions): Promise<Result<N>>;
  close(): Promise<void>;
}

async function connectNamed(socketPath: string): Promise<Client> {
  try {
    return await connect({ socketPath });
  } catch (error) {
    // No right to connect is something else, and says so itself.
    if (!(error instanceof MlosError) || error.code !== 'FAILED_PRECONDITION') throw error;
    throw NotRunning.atSocket(socketPath, error);
  }
}

function socketLine(where: string, client: Client): DaemonLine {
  return {
    where,
    call: (method, params, wait) => client.call(method, params, wait),
    close: () => client.close(),
  };
}

/** Throws NotRunning where none runs: running.ts says which one is meant. */
export async function openLine(options: CommonOptions): Promise<DaemonLine> {
  const config = await configOf(options);
  const named = namedSocket(config);
  if (named !== null) return socketLine(named, await connectNamed(named));
  const { socket_path: path, http } = daemonOfFolder(config);
  if (path !== null) return socketLine(path, await connect({ socketPath: path }));
  const { host, port } = http ?? { host: '127.0.0.1', port: 0 };
  const where = `http://${host}:${port}`;
  return {
    where,
    call: (method, params, wait) => callHttp(where, method, params, wait),
    close: async () => undefined,
  };
}

/** One call. */
export async function callDaemon<N extends MethodName>(
  options: CommonOptions,
  method: N,
  params: Params<N>,
): Promise<Result<N>> {
  const line = await openLine(options);
  try {
    return await line.call(method, params);
  } finally {
    await line.close();
  }
}
