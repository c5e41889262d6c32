import { type Client, connect } from '../../client/client.ts';
import { callHttp } from '../../client/http-client.ts';
import { isDtype } from '../../protocol/dtype.ts';
import { MlosError } from '../../protocol/errors.ts';
import { Tensor, type TensorData } from '../../protocol/tensor.ts';
import type { DoorDriver, Outcome } from './case.ts';

export interface DoorAddresses {
  /** One port, or several by name (one per adapter). */
  readonly httpPort: number | Readonly<Record<string, number>>;
  readonly socketPath: string;
}

/** Drivers for every door of a running daemon. */
export async function doorDrivers(addresses: DoorAddresses): Promise<readonly DoorDriver[]> {
  const { httpPort, socketPath } = addresses;
  const ports = typeof httpPort === 'number' ? { http: httpPort } : httpPort;
  const http = Object.entries(ports).map(([name, port]) => httpDriver(name, port));
  return [...http, await ipcDriver(socketPath)];
}

type Call = (method: never, params: never) => Promise<unknown>;

async function outcomeOf(
  call: Call,
  method: string,
  params: Readonly<Record<string, unknown>>,
): Promise<Outcome> {
  try {
    const result = await call(method as never, params as never);
    return { kind: 'result', result: plain(result as Record<string, unknown>) };
  } catch (error) {
    if (!(error instanceof MlosError)) throw error;
    return { kind: 'error', code: error.code, message: error.message };
  }
}

function httpDriver(name: string, port: number): DoorDriver {
  const call: Call = (method, params) => callHttp(`http://127.0.0.1:${port}`, method, params);
  return {
    name,
    call: (method, params) => outcomeOf(call, method, params),
    close: async () => undefined,
  };
}

async function ipcDriver(socketPath: string): Promise<DoorDriver> {
  const client: Client = await connect({ socketPath });
  const call: Call = (method, params) => client.call(method, params);
  return {
    name: 'ipc',
    call: (method, params) => outcomeOf(call, method, params),
    close: () => client.close(),
  };
}

/** An IPC result in the form that HTTP has: raw elements as flat lists, BigInts as JSON has them. */
function plain(result: Record<string, unknown>): Record<string, unknown> {
  const { outputs, output_dtypes: dtypes, output_shapes: shapes } = result;
  if (!isRecord(outputs) || !isRecord(dtypes) || !isRecord(shapes)) return result;
  const lists: Record<string, unknown> = {};
  for (const [name, data] of Object.entries(outputs)) {
    const dtype = dtypes[name];
    lists[name] =
      data instanceof Uint8Array && isDtype(dtype)
        ? new Tensor(dtype, shapes[name] as readonly number[], data as TensorData).toJSON()
        : data;
  }
  return { ...result, outputs: lists };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
