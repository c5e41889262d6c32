import { MlosError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { ChannelFactsWire } from '../../protocol/methods/channels.ts';
import type { ChannelInfo, Channels } from '../lifecycle/channels.ts';
import type { Caller, RequestContext } from '../request-context.ts';
import { wireSignature } from './model-info.ts';
import type { Operations } from './operation.ts';
import type { ServiceState } from './service.ts';

type ChannelOperations = Pick<
  Operations,
  | 'models.attach'
  | 'channels.activate'
  | 'channels.revoke'
  | 'channels.list'
  | 'connection.descriptors'
>;

function facts(channel: ChannelInfo): ChannelFactsWire {
  return {
    channel_id: channel.channelId,
    model_id: channel.modelId,
    plugin_id: channel.pluginId,
    pid: channel.client.pid,
    uid: channel.client.uid,
    since: new Date(channel.since).toISOString(),
    active: channel.active,
    input_bytes: channel.inputBytes,
    output_bytes: channel.outputBytes,
  };
}

/**
 * Channels between apps and models. The client is authorised once, here; from then on the daemon is
 * out of the path. A channel is activated on the connection that it was made for: nobody else can say
 * that its client has sealed its memory.
 */
export function channelOperations(deps: {
  readonly channels: Channels;
  readonly state: ServiceState;
}): ChannelOperations {
  const { channels, state } = deps;
  /** Channels that each connection made and has not activated. Goes with the connection. */
  const waiting = new WeakMap<Caller, Set<number>>();

  function callerOf(context: RequestContext, method: string): Caller {
    if (context.caller !== null) return context.caller;
    const { path } = state.doors.get('ipc') ?? {};
    const where =
      path === undefined
        ? 'the Unix socket, which this daemon has not opened (api.ipc.enabled)'
        : `the Unix socket ${path}`;
    throw new MlosError(
      'FAILED_PRECONDITION',
      `${method} passes file descriptors, which only ${where} can carry.`,
      path === undefined ? {} : { details: { socket_path: path } },
    );
  }

  return {
    'models.attach': async (params, context) => {
      const caller = callerOf(context, 'models.attach');
      const channel = await channels.open({
        modelId: params.model_id,
        ...(params.input_bytes === undefined ? {} : { inputBytes: params.input_bytes }),
        ...(params.output_bytes === undefined ? {} : { outputBytes: params.output_bytes }),
        ...(params.priority === undefined ? {} : { priority: params.priority }),
        client: { pid: caller.peer.pid, uid: caller.peer.uid },
      });
      const own = waiting.get(caller) ?? new Set();
      waiting.set(caller, own.add(channel.channelId));
      context.answerWith({
        descriptors: channel.descriptors,
        release: () => channel.handedOver(),
      });
      return {
        status: 'success',
        channel_id: channel.channelId,
        model_id: channel.modelId,
        model_version: channel.modelVersion,
        plugin_id: channel.pluginId,
        signature: wireSignature(channel.signature),
        input_bytes: channel.inputBytes,
        output_bytes: channel.outputBytes,
        spin_us: channel.spinUs,
      };
    },
    'channels.activate': async ({ channel_id }, context) => {
      const caller = callerOf(context, 'channels.activate');
      if (waiting.get(caller)?.delete(channel_id) !== true) {
        throw new MlosError(
          'FAILED_PRECONDITION',
          `Channel ${channel_id} does not wait for this connection: activate it once, where models.attach was answered.`,
        );
      }
      await channels.activate(channel_id);
      return { status: 'success', channel_id };
    },
    'channels.revoke': async ({ channel_id }) => {
      await channels.revoke(channel_id, 'PERMISSION_DENIED');
      return { status: 'success', channel_id };
    },
    'channels.list': () => {
      const list = channels.list().map(facts);
      return { status: 'success', channels: list, total: list.length };
    },
    'connection.descriptors': (_, context) => {
      callerOf(context, 'connection.descriptors').takeDescriptors();
      return {
        status: 'success',
        per_frame: limits.ipcFrameDescriptors,
        max_bytes: limits.ipcMemfdBytes,
      };
    },
  };
}
