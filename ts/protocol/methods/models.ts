import { Type } from 'typebox';
import { limits } from '../limits.ts';
import { EngineOptions } from './engine-options.ts';
import { ModelInferParams, ModelInferResult } from './infer.ts';
import type { MethodDeclaration } from './method.ts';
import { ModelInfo } from './model-info.ts';
import {
  Count,
  ModelIdParam,
  OrdinalParam,
  PluginIdParam,
  Status,
  Text,
} from './shared-schemas.ts';

const IdOnly = Type.Object({ model_id: ModelIdParam }, { additionalProperties: false });
const IdOrOrdinal = Type.Object(
  { model_id: ModelIdParam, ordinal: Type.Optional(OrdinalParam) },
  { additionalProperties: false },
);
const ModelLoadParams = Type.Object(
  {
    ...IdOrOrdinal.properties,
    keep_alive_ms: Type.Optional(
      Type.Integer({
        minimum: -1,
        maximum: limits.keepAliveMs,
        description:
          'It is unloaded when nobody has asked it for so long; −1: it stays until it is unloaded. As before where left out.',
      }),
    ),
  },
  { additionalProperties: false },
);
const Nullable = Type.Union([Type.String(), Type.Null()]);

export const IsolationParam = Type.Union([Type.Literal('plugin'), Type.Literal('model')], {
  description: "plugin: shares its plugin's process. model: a process of its own.",
});

export const ModelRegisterParams = Type.Object(
  {
    model_id: ModelIdParam,
    plugin_id: Type.Optional(PluginIdParam),
    name: Type.Optional(Text),
    path: Type.Optional(
      Type.String({
        maxLength: 4_096,
        description: "Folder of the package, or the model file. On the daemon's file system.",
      }),
    ),
    model_path: Type.Optional(
      Type.String({ maxLength: 4_096, description: 'Earlier name of path.' }),
    ),
    framework: Type.Optional(Text),
    execution_format: Type.Optional(Text),
    description: Type.Optional(Text),
    manifest_path: Type.Optional(Type.String({ maxLength: 4_096 })),
    manifest_sha256: Type.Optional(
      Type.String({
        pattern: '^[0-9a-f]{64}$',
        description:
          'Of the manifest as the client has it: another one, or none, at manifest_path is FAILED_PRECONDITION with details.upload, and the client uploads the package (uploads.begin).',
      }),
    ),
    isolation: Type.Optional(IsolationParam),
    engine: Type.Optional(EngineOptions),
    load: Type.Optional(
      Type.Boolean({
        description: 'false: register only; the model is loaded at its first request.',
      }),
    ),
  },
  { additionalProperties: false },
);

const ModelResult = Type.Object({
  status: Status,
  model_id: Type.String(),
  message: Type.String(),
  model: ModelInfo,
});

export const RegisterResult = Type.Object({
  status: Status,
  model_id: Type.String(),
  plugin_id: Type.String(),
  message: Type.String(),
  axon_manifest: Nullable,
  inference_endpoint: Type.String(),
  model: ModelInfo,
});

export const registerErrors = [
  'INVALID_MODEL_ID',
  'INVALID_MANIFEST',
  'PLUGIN_NOT_FOUND',
  'NO_PLUGIN_FOR_FORMAT',
  'MISSING_DEPENDENCY',
  'MODEL_LOAD_FAILED',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'SIGNATURE_INVALID',
  'DATA_CORRUPTED',
  'PLUGIN_CRASHED',
  'PLUGIN_UNAVAILABLE',
  'DEADLINE_EXCEEDED',
  'STORAGE_FULL',
] as const;

export const modelMethods = [
  {
    name: 'models.register',
    summary: 'Registers a model from its package or file, and loads it. Durable when it answers.',
    params: ModelRegisterParams,
    result: RegisterResult,
    errors: [...registerErrors, 'FAILED_PRECONDITION'],
    http: { verb: 'POST', path: '/models/register' },
    grpc: { service: 'ModelService', rpc: 'RegisterModel' },
  },
  {
    name: 'models.list',
    summary: 'All registered models with their states.',
    params: Type.Object({}, { additionalProperties: false }),
    result: Type.Object({ status: Status, models: Type.Array(ModelInfo), total: Count }),
    errors: [],
    http: { verb: 'GET', path: '/models' },
    grpc: { service: 'ModelService', rpc: 'ListModels' },
  },
  {
    name: 'models.get',
    summary: 'One model with its true signature. Loads nothing.',
    params: IdOrOrdinal,
    result: Type.Object({ status: Status, model: ModelInfo }),
    errors: ['INVALID_MODEL_ID', 'MODEL_NOT_FOUND'],
    http: { verb: 'GET', path: '/models/{model_id}' },
    grpc: { service: 'ModelService', rpc: 'GetModel' },
  },
  {
    name: 'models.load',
    summary: 'Loads the model now instead of at its first request.',
    params: ModelLoadParams,
    result: ModelResult,
    errors: [
      'INVALID_MODEL_ID',
      'MODEL_NOT_FOUND',
      'MODEL_LOAD_FAILED',
      'MODEL_LOADING',
      'DATA_CORRUPTED',
      'PLUGIN_CRASHED',
      'PLUGIN_UNAVAILABLE',
      'DEADLINE_EXCEEDED',
    ],
    http: { verb: 'POST', path: '/models/{model_id}/load' },
    grpc: { service: 'ModelService', rpc: 'LoadModel' },
  },
  {
    name: 'models.unload',
    summary: 'Frees what the loaded model holds; the registration stays.',
    params: IdOrOrdinal,
    result: ModelResult,
    errors: ['INVALID_MODEL_ID', 'MODEL_NOT_FOUND', 'FAILED_PRECONDITION'],
    http: { verb: 'POST', path: '/models/{model_id}/unload' },
    grpc: { service: 'ModelService', rpc: 'UnloadModel' },
  },
  {
    name: 'models.unregister',
    summary: 'Unloads the model and forgets it. Its files stay where they are.',
    params: IdOnly,
    result: Type.Object({ status: Status, model_id: Type.String(), message: Type.String() }),
    errors: ['INVALID_MODEL_ID', 'MODEL_NOT_FOUND', 'STORAGE_FULL', 'FAILED_PRECONDITION'],
    http: { verb: 'DELETE', path: '/models/{model_id}' },
    grpc: { service: 'ModelService', rpc: 'UnregisterModel' },
  },
  {
    name: 'models.labels',
    summary: 'The names that the package gives to the classes of its outputs.',
    params: IdOrOrdinal,
    result: Type.Object({
      status: Status,
      model_id: Type.String(),
      labels: Type.Record(Type.String(), Type.Array(Type.String()), {
        description: 'By output; one that has no names is not there.',
      }),
    }),
    errors: ['INVALID_MODEL_ID', 'MODEL_NOT_FOUND', 'INVALID_MANIFEST', 'PERMISSION_DENIED'],
    http: { verb: 'GET', path: '/models/{model_id}/labels' },
    grpc: { service: 'ModelService', rpc: 'GetLabels' },
  },
  {
    name: 'models.infer',
    summary: 'Runs the model once. Inputs are checked against its signature before it runs.',
    params: ModelInferParams,
    result: ModelInferResult,
    errors: [
      'INVALID_MODEL_ID',
      'MODEL_NOT_FOUND',
      'MISSING_INPUT',
      'UNKNOWN_INPUT',
      'INVALID_DTYPE',
      'INVALID_SHAPE',
      'INVALID_VALUE',
      'MODEL_LOAD_FAILED',
      'MODEL_LOADING',
      'DATA_CORRUPTED',
      'INFERENCE_FAILED',
      'PLUGIN_CRASHED',
      'PLUGIN_UNAVAILABLE',
      'DEADLINE_EXCEEDED',
      'UNIMPLEMENTED',
      'FAILED_PRECONDITION',
    ],
    http: {
      verb: 'POST',
      path: '/models/{model_id}/inference',
      media: 'input',
      events: true,
    },
    grpc: { service: 'InferenceService', rpc: 'Infer' },
  },
] as const satisfies readonly MethodDeclaration[];
