import type { RequestContext } from '../../../request-context.ts';
import type { GenerateStream } from '../../oip/generation.ts';
import { flag } from '../../oip/parameters.ts';
import type { OipService } from '../../oip/service.ts';
import type { SystemRegion } from '../../oip/shared-memory.ts';
import { oipFail } from '../../oip/status.ts';
import { parseBody } from '../codec.ts';
import { eventStream, eventStreamType, streamHeaders } from '../event-stream.ts';
import type { HttpAnswer, HttpReply } from '../surface.ts';
import { headerLength, readInferRequest, readParameters } from './read-request.ts';
import type { OipAction, OipRoute } from './routes.ts';
import { BinaryOutputs, inferAnswer } from './write-response.ts';

/** Each call of the protocol: body → service → answer. */
export interface OipCall {
  readonly action: OipAction;
  readonly route: OipRoute;
  readonly body: Buffer;
  /** The header that says where the JSON of the body ends. */
  readonly headerLength: string;
  readonly context: RequestContext;
  /** For what goes wrong after the answer has begun. */
  readonly failed: (thrown: unknown) => HttpAnswer;
}

type Answering = (service: OipService, call: OipCall) => HttpReply | Promise<HttpReply>;

function json(value: unknown): HttpAnswer {
  const body = JSON.stringify(value);
  return { status: 200, contentType: 'application/json', body, headers: null };
}

/** Probes read the status alone. */
function probe(isSo: boolean): HttpAnswer {
  return { status: isSo ? 200 : 400, contentType: 'application/json', body: '', headers: null };
}

const done: HttpAnswer = probe(true);

const actions: Readonly<Record<OipAction, Answering>> = {
  serverMetadata: (service) => json(service.serverMetadata()),
  serverLive: async (service, { context }) => probe(await service.serverLive(context)),
  serverReady: async (service, { context }) => probe(await service.serverReady(context)),
  modelMetadata: async (service, { route, context }) =>
    json(await service.modelMetadata(route, context)),
  modelReady: async (service, { route, context }) =>
    probe(await service.modelReady(route, context)),
  modelConfig: async (service, { route, context }) =>
    json(await service.modelConfig(route, context)),
  statistics: async (service, { route, context }) => {
    const ref = route.modelName === '' ? null : route;
    return json({ model_stats: await service.statistics(ref, context) });
  },
  infer,
  generate: async (service, { route, body, context }) =>
    json(await service.generation.generate(route, parseBody(body), context)),
  generateStream: async (service, { route, body, context, failed }) => {
    const stream = service.generation.stream(route, parseBody(body), context);
    await stream.begun;
    const parts = eventStream(eventsOf(stream, failed));
    return { status: 200, contentType: eventStreamType, headers: streamHeaders, parts };
  },
  repositoryIndex: async (service, { body, context }) => {
    const { ready = false } = parseBody(body);
    if (typeof ready !== 'boolean') oipFail('"ready" must be true or false.');
    return json(await service.repository.index(ready, context));
  },
  repositoryLoad: async (service, { route, body, context }) => {
    const parameters = readParameters(parseBody(body)['parameters']);
    await service.repository.load(route.modelName, parameters, context);
    return done;
  },
  repositoryUnload: async (service, { route, body, context }) => {
    flag(readParameters(parseBody(body)['parameters']), 'unload_dependents');
    await service.repository.unload(route.modelName, context);
    return done;
  },
  traceSettings: async (service, { route, context }) =>
    json(await service.traceSettings(route.modelName, context)),
  updateTrace: async (service, { route, body, context }) =>
    json(await service.updateTrace(route.modelName, parseBody(body), context)),
  logSettings: async (service, { context }) => json(await service.logging.get(context)),
  updateLog: async (service, { body, context }) =>
    json(await service.logging.update(parseBody(body), context)),
  systemStatus: (service, { route }) =>
    json(
      service.sharedMemory.status(route.region).map(({ name, key, offset, byteSize }) => ({
        ...{ name, key, offset },
        byte_size: byteSize,
      })),
    ),
  systemRegister: (service, { route, body }) => {
    service.sharedMemory.register(readRegion(route.region, parseBody(body)));
    return done;
  },
  systemUnregister: (service, { route }) => {
    service.sharedMemory.unregister(route.region);
    return done;
  },
  cudaStatus: (service) => json(service.cudaRegions()),
  cudaRegister: (service) => service.registerCuda(),
  cudaUnregister: () => done,
};

export function answerAction(service: OipService, call: OipCall): HttpReply | Promise<HttpReply> {
  return actions[call.action](service, call);
}

/** An error is the last event, in the form that it has everywhere. */
async function* eventsOf(
  stream: GenerateStream,
  failed: OipCall['failed'],
): AsyncGenerator<string, void, void> {
  try {
    for await (const response of stream.responses()) yield JSON.stringify(response);
  } catch (thrown) {
    yield String(failed(thrown).body);
  }
}

async function infer(service: OipService, call: OipCall): Promise<HttpAnswer> {
  const { route, body, context } = call;
  const length = headerLength(call.headerLength, body);
  if (length === 0) {
    const response = await service.inference.inferRaw(route, body, context);
    return inferAnswer(response, new BinaryOutputs(null));
  }
  const request = readInferRequest(route, body, length);
  const binary = new BinaryOutputs(request);
  return inferAnswer(await service.inference.infer(request, context), binary);
}

function readRegion(name: string, fields: Readonly<Record<string, unknown>>): SystemRegion {
  const { key, offset = 0, byte_size: byteSize } = fields;
  if (typeof key !== 'string') oipFail('"key" must be the name of a POSIX shared-memory object.');
  for (const [what, value] of [
    ['offset', offset],
    ['byte_size', byteSize],
  ] as const) {
    if (!Number.isSafeInteger(value) || (value as number) < 0) {
      oipFail(`"${what}" must be a whole number of bytes.`);
    }
  }
  return { name, key, offset: offset as number, byteSize: byteSize as number };
}
