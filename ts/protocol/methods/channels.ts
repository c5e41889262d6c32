import { type Static, Type } from 'typebox';
import type { MethodDeclaration } from './method.ts';
import { Count, ModelIdParam, PrioritySchema, SignatureSchema, Status } from './shared-schemas.ts';

const ChannelId = Type.Integer({
  minimum: 1,
  maximum: Number.MAX_SAFE_INTEGER,
  description: 'As models.attach answered it.',
});
const OnlyChannel = Type.Object({ channel_id: ChannelId }, { additionalProperties: false });
const ChannelResult = Type.Object({ status: Status, channel_id: ChannelId });

const arenaBytes = (what: string) =>
  Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: Number.MAX_SAFE_INTEGER,
      description: `Memory for the ${what} of all requests under way; chosen by the model's signature where left out.`,
    }),
  );

export const ChannelFacts = Type.Object({
  channel_id: ChannelId,
  model_id: Type.String(),
  plugin_id: Type.String(),
  pid: Type.Union([Count, Type.Null()], {
    description: "The client's process, by the kernel's word; null where it cannot be seen.",
  }),
  uid: Count,
  since: Type.String({ description: 'RFC 3339.' }),
  active: Type.Boolean({ description: 'The client has mapped and sealed its memory.' }),
  input_bytes: Count,
  output_bytes: Count,
});

export type ChannelFactsWire = Static<typeof ChannelFacts>;

export const channelMethods = [
  {
    name: 'models.attach',
    summary:
      'Loads the model and makes a channel of shared memory to it. The answer carries four descriptors: request region, response region, bell, channel socket. Unix socket only.',
    params: Type.Object(
      {
        model_id: ModelIdParam,
        input_bytes: arenaBytes('inputs'),
        output_bytes: arenaBytes('outputs'),
        priority: Type.Optional(PrioritySchema),
      },
      { additionalProperties: false },
    ),
    result: Type.Object({
      status: Status,
      channel_id: ChannelId,
      model_id: Type.String(),
      model_version: Type.String({ description: 'sha256 of the model file.' }),
      plugin_id: Type.String(),
      signature: SignatureSchema,
      input_bytes: Count,
      output_bytes: Count,
      spin_us: Type.Integer({
        minimum: 0,
        description: 'The longest that a client should spin before it sleeps, in microseconds.',
      }),
    }),
    errors: [
      'INVALID_MODEL_ID',
      'MODEL_NOT_FOUND',
      'MODEL_LOAD_FAILED',
      'DATA_CORRUPTED',
      'PLUGIN_CRASHED',
      'PLUGIN_UNAVAILABLE',
      'DEADLINE_EXCEEDED',
      'FAILED_PRECONDITION',
      'UNIMPLEMENTED',
    ],
    http: { verb: 'POST', path: '/models/{model_id}/attach' },
    grpc: { service: 'ModelService', rpc: 'AttachModel' },
  },
  {
    name: 'channels.activate',
    summary:
      'The client has mapped and sealed its request region; from now on requests are taken. On the connection that attached.',
    params: OnlyChannel,
    result: ChannelResult,
    errors: ['FAILED_PRECONDITION', 'PLUGIN_CRASHED', 'PLUGIN_UNAVAILABLE'],
    http: { verb: 'POST', path: '/channels/{channel_id}/activate' },
    grpc: { service: 'ModelService', rpc: 'ActivateChannel' },
  },
  {
    name: 'channels.revoke',
    summary: 'Takes a channel away; its unanswered requests are answered PERMISSION_DENIED.',
    params: OnlyChannel,
    result: ChannelResult,
    errors: [],
    http: { verb: 'DELETE', path: '/channels/{channel_id}' },
    grpc: { service: 'ModelService', rpc: 'RevokeChannel' },
  },
  {
    name: 'channels.list',
    summary: 'The channels of attached apps.',
    params: Type.Object({}, { additionalProperties: false }),
    result: Type.Object({ status: Status, channels: Type.Array(ChannelFacts), total: Count }),
    errors: [],
    http: { verb: 'GET', path: '/channels' },
    grpc: { service: 'ModelService', rpc: 'ListChannels' },
  },
  {
    name: 'connection.descriptors',
    summary:
      'After the answer the daemon takes descriptors beside the first byte of each frame of this connection. Unix socket only.',
    params: Type.Object({}, { additionalProperties: false }),
    result: Type.Object({
      status: Status,
      per_frame: Type.Integer({ description: 'Descriptors that one frame may carry.' }),
      max_bytes: Type.Integer({ description: 'Size of the largest memfd that is taken.' }),
    }),
    errors: ['FAILED_PRECONDITION'],
    http: { verb: 'POST', path: '/connection/descriptors' },
    grpc: { service: 'ModelService', rpc: 'TakeDescriptors' },
  },
] as const satisfies readonly MethodDeclaration[];
