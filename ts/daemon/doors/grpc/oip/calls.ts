import { MlosError } from '../../../../protocol/errors.ts';
import type { RequestContext } from '../../../request-context.ts';
import { flag } from '../../oip/parameters.ts';
import type { OipService } from '../../oip/service.ts';
import type { OipModelRef } from '../../oip/types.ts';
import { inferResponse, readInferRequest, readParameters, textField } from './infer-messages.ts';

/** Each call of one message: fields of the request → service → fields of the response. */
type Fields = Readonly<Record<string, unknown>>;
type Answering = (
  service: OipService,
  request: Fields,
  context: RequestContext,
) => Fields | Promise<Fields>;

function refOf(request: Fields): OipModelRef {
  return { modelName: textField(request, 'name'), modelVersion: textField(request, 'version') };
}

/** A map of settings → plain values: the one that is set of each. */
function valuesOf(settings: unknown): Fields {
  const entries = Object.entries((settings ?? {}) as Fields);
  return Object.fromEntries(
    entries.map(([name, choice]) => [name, Object.values(choice as Fields)[0] ?? null]),
  );
}

/** A map whose names may be `__proto__`. */
function mapOf<T>(entries: readonly T[], name: (entry: T) => string, value: (entry: T) => unknown) {
  return Object.fromEntries(entries.map((entry) => [name(entry), value(entry)]));
}

function traceAnswer(settings: Readonly<Record<string, string | readonly string[]>>): Fields {
  const list = (value: string | readonly string[]) => (typeof value === 'string' ? [value] : value);
  return {
    settings: mapOf(
      Object.entries(settings),
      ([name]) => name,
      ([, value]) => ({ value: list(value) }),
    ),
  };
}

const logForms = { boolean: 'bool_param', number: 'uint32_param', string: 'string_param' } as const;

function logAnswer(settings: object): Fields {
  const formOf = (value: unknown) => logForms[typeof value as keyof typeof logForms];
  return {
    settings: mapOf(
      Object.entries(settings),
      ([name]) => name,
      ([, value]) => ({ [formOf(value)]: value }),
    ),
  };
}

/** A model that is not there is not ready, as Triton answers on gRPC. */
function falseIfUnknown(error: unknown): false {
  if (error instanceof MlosError && error.code === 'MODEL_NOT_FOUND') return false;
  throw error;
}

export const oipCalls: Readonly<Record<string, Answering>> = {
  ServerLive: async (service, _, context) => ({ live: await service.serverLive(context) }),
  ServerReady: async (service, _, context) => ({ ready: await service.serverReady(context) }),
  ServerMetadata: (service) => ({ ...service.serverMetadata() }),
  ModelReady: async (service, request, context) => ({
    ready: await service.modelReady(refOf(request), context).catch(falseIfUnknown),
  }),
  ModelMetadata: async (service, request, context) => ({
    ...(await service.modelMetadata(refOf(request), context)),
  }),
  ModelConfig: async (service, request, context) => ({
    config: await service.modelConfig(refOf(request), context),
  }),
  ModelStatistics: async (service, request, context) => {
    const ref = refOf(request);
    return { model_stats: await service.statistics(ref.modelName === '' ? null : ref, context) };
  },
  ModelInfer: async (service, request, context) =>
    inferResponse(await service.inference.infer(readInferRequest(request), context)),
  RepositoryIndex: async (service, request, context) => ({
    models: await service.repository.index(request['ready'] === true, context),
  }),
  RepositoryModelLoad: async (service, request, context) => {
    const parameters = readParameters(request['parameters']);
    await service.repository.load(textField(request, 'model_name'), parameters, context);
    return {};
  },
  RepositoryModelUnload: async (service, request, context) => {
    flag(readParameters(request['parameters']), 'unload_dependents');
    await service.repository.unload(textField(request, 'model_name'), context);
    return {};
  },
  SystemSharedMemoryStatus: (service, request) => ({
    regions: mapOf(
      service.sharedMemory.status(textField(request, 'name')),
      ({ name }) => name,
      ({ name, key, offset, byteSize }) => ({ name, key, offset, byte_size: byteSize }),
    ),
  }),
  SystemSharedMemoryRegister: (service, request) => {
    const [name, key] = [textField(request, 'name'), textField(request, 'key')];
    const offset = Number(request['offset'] ?? 0);
    service.sharedMemory.register({
      name,
      key,
      offset,
      byteSize: Number(request['byte_size'] ?? 0),
    });
    return {};
  },
  SystemSharedMemoryUnregister: (service, request) => {
    service.sharedMemory.unregister(textField(request, 'name'));
    return {};
  },
  CudaSharedMemoryStatus: (service) => ({ regions: mapOf(service.cudaRegions(), String, String) }),
  CudaSharedMemoryRegister: (service) => service.registerCuda(),
  CudaSharedMemoryUnregister: () => ({}),
  TraceSetting: async (service, request, context) => {
    const model = textField(request, 'model_name');
    const changes = valuesOf(request['settings']);
    return traceAnswer(
      Object.keys(changes).length === 0
        ? await service.traceSettings(model, context)
        : await service.updateTrace(model, changes, context),
    );
  },
  LogSettings: async (service, request, context) => {
    const changes = valuesOf(request['settings']);
    return logAnswer(
      Object.keys(changes).length === 0
        ? await service.logging.get(context)
        : await service.logging.update(changes, context),
    );
  },
};
