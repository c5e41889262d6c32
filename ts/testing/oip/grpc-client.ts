import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { decodeMessage, encodeMessage } from '../../daemon/doors/grpc/message-codec.ts';
import { loadProtos } from '../../daemon/doors/grpc/protobuf.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests read answers of every kind.
type Fields = any;

const same = (bytes: Buffer) => bytes;

/** Calls of the Open Inference Protocol by name, in plain fields. */
export class OipGrpcClient {
  readonly #client: Client;
  readonly #root = loadProtos();

  constructor(target: string) {
    this.#client = new Client(target, credentials.createInsecure(), {
      'grpc.max_receive_message_length': -1,
    });
  }

  close(): void {
    this.#client.close();
  }

  call(rpc: string, request: object = {}): Promise<Fields> {
    const bytes = this.#encode(`${rpc}Request`, request);
    return new Promise((resolve, reject) => {
      const options = { deadline: Date.now() + 20_000 };
      this.#client.makeUnaryRequest(pathOf(rpc), same, same, bytes, options, (error, answer) => {
        if (error !== null) reject(error);
        else resolve(this.#decode(`${rpc}Response`, answer ?? Buffer.alloc(0)));
      });
    });
  }

  /** Code and message of a call that fails. */
  async failure(rpc: string, request: object): Promise<readonly [number, string]> {
    try {
      return [0, JSON.stringify(await this.call(rpc, request))];
    } catch (error) {
      const { code, details } = error as ServiceError;
      return [code, details];
    }
  }

  /** All answers to these requests on one stream. */
  stream(requests: readonly object[]): Promise<Fields[]> {
    const stream = this.#client.makeBidiStreamRequest(pathOf('ModelStreamInfer'), same, same);
    const answers: Fields[] = [];
    const ended = new Promise<Fields[]>((resolve, reject) => {
      stream.on('data', (bytes: Buffer) =>
        answers.push(this.#decode('ModelStreamInferResponse', bytes)),
      );
      stream.on('end', () => resolve(answers));
      stream.on('error', reject);
    });
    for (const request of requests) stream.write(this.#encode('ModelInferRequest', request));
    stream.end();
    return ended;
  }

  #encode(type: string, fields: object): Buffer {
    return encodeMessage(this.#root.lookupType(`inference.${type}`), fields);
  }

  #decode(type: string, bytes: Buffer): Fields {
    return decodeMessage(this.#root.lookupType(`inference.${type}`), bytes);
  }
}

function pathOf(rpc: string): string {
  return `/inference.GRPCInferenceService/${rpc}`;
}
