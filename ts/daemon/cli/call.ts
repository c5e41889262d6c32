import { connect } from '../../client/client.ts';
import { callHttp } from '../../client/http-client.ts';
import type { MethodName, Params, Result } from '../../protocol/method-table.ts';
import { type CommonOptions, configOf } from './options.ts';
import { requireDaemon } from './running.ts';

/** One call to the daemon of a data folder, over its socket, or HTTP where it has none. */
export async function callDaemon<N extends MethodName>(
  options: CommonOptions,
  method: N,
  params: Params<N>,
): Promise<Result<N>> {
  const state = requireDaemon(await configOf(options));
  if (state.socket_path === null) {
    const { host, port } = state.http ?? { host: '127.0.0.1', port: 0 };
    return callHttp(`http://${host}:${port}`, method, params);
  }
  const client = await connect({ socketPath: state.socket_path });
  try {
    return await client.call(method, params);
  } finally {
    await client.close();
  }
}
