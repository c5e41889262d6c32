import type { Logger } from 'pino';
import type { PluginState } from '../../protocol/methods/shared-schemas.ts';
import type { Clock } from './clock.ts';
import type { PluginDescriptor } from './descriptor.ts';
import type { ChannelIds, EngineSettings } from './engine/engine-settings.ts';
import type { HostLimits } from './host-limits.ts';
import type { Environment } from './spawn.ts';

export interface HostStatus {
  readonly state: PluginState;
  readonly reason: string | null;
  readonly pid: number | null;
  readonly restarts: number;
  /** When the running process became ready, in ms since the epoch. */
  readonly startedAt: number | null;
  readonly models: string[];
  readonly runner: string | null;
  /** Where it crashed: when it may start again. */
  readonly restingUntil: number | null;
}

export interface HostOptions {
  readonly descriptor: PluginDescriptor;
  readonly hostId: string;
  readonly logger: Logger;
  readonly onStateChange?: (status: HostStatus) => void;
  /** The daemon's environment, of which a plugin gets the harmless part. */
  readonly environment?: Environment;
  readonly limits?: Partial<HostLimits>;
  readonly engine?: EngineSettings;
  /** Those of the whole daemon. */
  readonly channelIds?: ChannelIds;
  readonly clock?: Clock;
}
