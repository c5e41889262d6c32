import type { ErrorCode } from '../../protocol/error-codes.ts';
import type { Signature } from '../../protocol/tensor.ts';
import type { ModelEngineOptions } from '../registry/model-record.ts';

/** The process at the other end, by the kernel's word. */
export interface ChannelClient {
  readonly pid: number | null;
  readonly uid: number;
}

export interface ChannelRequest {
  /** Any spelling. */
  readonly modelId: string;
  /** Room for the inputs of the requests under way, and for their outputs; chosen by the signature where left out. */
  readonly inputBytes?: number;
  readonly outputBytes?: number;
  /** The most urgent class that its requests get; the model's own where left out. */
  readonly priority?: ModelEngineOptions['priority'];
  readonly client: ChannelClient;
}

export interface OpenedChannel {
  readonly channelId: number;
  readonly modelId: string;
  readonly modelVersion: string;
  readonly pluginId: string;
  readonly signature: Signature;
  readonly inputBytes: number;
  readonly outputBytes: number;
  readonly spinUs: number;
  /** Request region, response region, bell, client socket: for the client, in this order. */
  readonly descriptors: readonly [number, number, number, number];
  /** To be called once the kernel has the descriptors, or never will: closes the daemon's own. */
  handedOver(): void;
}

export interface ChannelInfo {
  readonly channelId: number;
  readonly modelId: string;
  readonly pluginId: string;
  readonly client: ChannelClient;
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** False: the client has not confirmed that it has mapped its memory. */
  readonly active: boolean;
  readonly inputBytes: number;
  readonly outputBytes: number;
}

/** Channels between apps and loaded models, apart from the daemon's own. */
export interface Channels {
  /**
   * Loads the model where it is not and makes a channel to it. It has to be activated within
   * `limits.channelActivateMs`. Errors: those of loading; UNIMPLEMENTED (the plugin has no engine),
   * TOO_MANY_REQUESTS (too many channels or too much memory in them), INVALID_ARGUMENT (sizes).
   */
  open(request: ChannelRequest): Promise<OpenedChannel>;
  /** The client has mapped and sealed its region. Errors: INVALID_ARGUMENT (no such channel), PLUGIN_CRASHED. */
  activate(channelId: number): Promise<void>;
  /** Takes the channel away; its unanswered requests get `code`. Errors: INVALID_ARGUMENT (no such channel). */
  revoke(channelId: number, code?: ErrorCode): Promise<void>;
  list(): readonly ChannelInfo[];
}
