import { closeSync } from 'node:fs';
import { channelLayout } from '../../native/channel-layout.ts';
import type { Engine } from '../../native/engine.ts';
import { openOwnChannel } from '../../native/own-channel.ts';
import { MlosError } from '../../protocol/errors.ts';
import type { Signature } from '../../protocol/tensor.ts';
import type { AttachFacts, AttachParams } from './attach-facts.ts';
import type { Connector } from './connector.ts';
import { type OpenedChannel, openChannel } from './open-channel.ts';

/** At first; what does not fit makes them grow. */
const startBytes = 1024 * 1024;

/** A model in an engine of this process. */
export interface OwnModel {
  readonly modelId: string;
  /** What the engine calls it. */
  readonly handle: number;
  readonly signature: Signature;
}

async function connect(
  engine: Engine,
  model: OwnModel,
  params: AttachParams,
): Promise<OpenedChannel> {
  const { minArenaBytes: min } = channelLayout().bounds;
  const inputBytes = Math.max(min, params.input_bytes ?? startBytes);
  const outputBytes = Math.max(min, params.output_bytes ?? startBytes);
  const own = await openOwnChannel(engine, model.handle, {
    requestArenaBytes: inputBytes,
    responseArenaBytes: outputBytes,
  });
  // This thread also serves the plugin's socket: it never spins.
  const opened = openChannel([...own.descriptors], 0);
  try {
    own.activate(opened.channel.requestRegionFd);
  } catch (error) {
    opened.channel.close();
    closeSync(opened.wakeFd);
    throw error;
  }
  const facts: AttachFacts = {
    channelId: own.id,
    modelId: model.modelId,
    modelVersion: '',
    pluginId: '',
    signature: model.signature,
    inputBytes: opened.channel.requestArenaBytes,
    outputBytes: opened.channel.responseArenaBytes,
    spinUs: 0,
  };
  return { ...opened, facts };
}

/** Channels to a model of this process's own engine. */
export function ownConnector(engine: Engine, model: OwnModel): Connector {
  return {
    attach: (params) => connect(engine, model, params),
    attachSync: () => {
      throw new MlosError('UNIMPLEMENTED', 'A model of the own process is asked without blocking.');
    },
  };
}
