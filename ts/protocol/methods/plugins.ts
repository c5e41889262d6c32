import { type Static, Type } from 'typebox';
import type { MethodDeclaration } from './method.ts';
import { Count, PluginIdParam, PluginStateSchema, Status, Text } from './shared-schemas.ts';

const IdOnly = Type.Object({ plugin_id: PluginIdParam }, { additionalProperties: false });

export const PluginProcess = Type.Object({
  pid: Count,
  state: PluginStateSchema,
  models: Type.Array(Type.String()),
  uptime_seconds: Type.Number(),
  rss_bytes: Type.Union([Count, Type.Null()]),
});

export const PluginInfo = Type.Object({
  id: Type.String(),
  name: Type.String(),
  version: Type.String(),
  description: Type.String(),
  status: PluginStateSchema,
  reason: Type.Union([Type.String(), Type.Null()], {
    description: 'Why it is not ready, where it is not.',
  }),
  models: Count,
  frameworks: Type.Array(Type.String()),
  formats: Type.Array(Type.String()),
  dtypes: Type.Array(Type.String()),
  smi_version: Type.String(),
  path: Type.String({ description: 'Folder of its plugin.yaml.' }),
  source: Type.Union([Type.Literal('builtin'), Type.Literal('folder'), Type.Literal('registered')]),
  runner: Type.Union([Type.String(), Type.Null()], {
    description: 'What executes the models, as the running plugin says.',
  }),
  restarts: Count,
  processes: Type.Array(PluginProcess),
});

export type PluginInfoWire = Static<typeof PluginInfo>;

const PluginResult = Type.Object({
  status: Status,
  plugin_id: Type.String(),
  message: Type.String(),
  plugin: PluginInfo,
});

export const PluginRegisterParams = Type.Object(
  {
    id: Type.Optional(PluginIdParam),
    name: Type.Optional(Text),
    version: Type.Optional(Text),
    endpoint: Type.Optional(
      Type.String({
        maxLength: 4_096,
        description: 'Folder with a plugin.yaml, as a path or file:// URL (earlier name of path).',
      }),
    ),
    path: Type.Optional(
      Type.String({ maxLength: 4_096, description: 'Folder that holds the plugin.yaml.' }),
    ),
  },
  { additionalProperties: false },
);

export const pluginMethods = [
  {
    name: 'plugins.register',
    summary: 'Registers a plugin from the folder of its plugin.yaml. Durable when it answers.',
    params: PluginRegisterParams,
    result: Type.Object({
      status: Status,
      plugin_id: Type.String(),
      message: Type.String(),
      next_steps: Type.String(),
      plugin: PluginInfo,
    }),
    errors: ['INVALID_MANIFEST', 'ALREADY_EXISTS', 'PERMISSION_DENIED', 'STORAGE_FULL'],
    http: { verb: 'POST', path: '/plugins/register' },
    grpc: { service: 'PluginService', rpc: 'RegisterPlugin' },
  },
  {
    name: 'plugins.list',
    summary: 'All registered plugins with their states.',
    params: Type.Object({}, { additionalProperties: false }),
    result: Type.Object({ status: Status, plugins: Type.Array(PluginInfo), total: Count }),
    errors: [],
    http: { verb: 'GET', path: '/plugins' },
    grpc: { service: 'PluginService', rpc: 'ListPlugins' },
  },
  {
    name: 'plugins.get',
    summary: 'One plugin.',
    params: IdOnly,
    result: Type.Object({ status: Status, plugin: PluginInfo }),
    errors: ['PLUGIN_NOT_FOUND'],
    http: { verb: 'GET', path: '/plugins/{plugin_id}' },
    grpc: { service: 'PluginService', rpc: 'GetPlugin' },
  },
  {
    name: 'plugins.load',
    summary: 'Starts the plugin process if it does not run.',
    params: IdOnly,
    result: PluginResult,
    errors: ['PLUGIN_NOT_FOUND', 'PLUGIN_UNAVAILABLE'],
    http: { verb: 'POST', path: '/plugins/{plugin_id}/load' },
    grpc: { service: 'PluginService', rpc: 'LoadPlugin' },
  },
  {
    name: 'plugins.unload',
    summary: 'Drains and stops the plugin process; it starts again when needed.',
    params: IdOnly,
    result: PluginResult,
    errors: ['PLUGIN_NOT_FOUND'],
    http: { verb: 'POST', path: '/plugins/{plugin_id}/unload' },
    grpc: { service: 'PluginService', rpc: 'UnloadPlugin' },
  },
  {
    name: 'plugins.unregister',
    summary: 'Stops the plugin and forgets it. Refused while models are bound to it.',
    params: IdOnly,
    result: Type.Object({ status: Status, plugin_id: Type.String(), message: Type.String() }),
    errors: ['PLUGIN_NOT_FOUND', 'FAILED_PRECONDITION', 'STORAGE_FULL'],
    http: { verb: 'DELETE', path: '/plugins/{plugin_id}' },
    grpc: { service: 'PluginService', rpc: 'UnregisterPlugin' },
  },
] as const satisfies readonly MethodDeclaration[];
