import { type Client, connect } from '../../client/client.ts';
import { callHttp } from '../../client/http-client.ts';
import { isDtype } from '../../protocol/dtype.ts';
import { MlosError } from '../../protocol/errors.ts';
import { Tensor, type TensorData } from '../../protocol/tensor.ts';
import type { DoorDriver, Outcome } from './case.ts';
import { GrpcCaller } from './grpc-caller.ts';

export interface DoorAddresses {
  /** One port, or several by name (one per adapter). */
  readonly httpPort: number | Readonly<Record<string, number>>;
  readonly socketPath: string;
  /** Targets of gRPC by name, such as `127.0.0.1:8081` and `unix:/tmp/grpc.sock`. */
  readonly grpc?: Readonly<Record<string, string>>;
}

/** Drivers for every door of a running daemon. */
export async function doorDrivers(addresses: DoorAddresses): Promise<readonly DoorDriver[]> {
  const { httpPort, socketPath, grpc = {} } = addresses;
  const ports = typeof httpPort === 'number' ? { http: httpPort } : httpPort;
  const http = Object.entries(ports).map(([name, port]) => httpDriver(name, port));
  const rpc = Object.entries(grpc).map(([name, target]) => grpcDriver(name, target));
  return [...http, await ipcDriver(socketPath), ...rpc];
}

function grpcDriver(name: string, target: string): DoorDriver {
  const client = new GrpcCaller(target);
  const call: Call = (method, params) => client.call(method, params);
  return {
    name,
    call: async (method, params) => {
      const why = client.unsayable(method, params);
      return why === null ? outcomeOf(call, method, params) : { kind: 'unsayable', why };
    },
    close: async () => client.close(),
  };
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
