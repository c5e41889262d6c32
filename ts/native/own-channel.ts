import { closeSync } from 'node:fs';
import { type ChannelFilesOptions, createChannelFiles } from './channel-files.ts';
import type { Engine } from './engine.ts';

/** Ids of channels that no daemon numbers: far above those that it counts from 1 on. */
const firstOwnId = 2 ** 48;
let lastId = firstOwnId;

/** The client's side of a channel that the engine has opened. */
export interface OwnChannel {
  readonly id: number;
  /** requestRegion, responseRegion, bell, socket: the caller's to close. */
  readonly descriptors: readonly [number, number, number, number];
  /** With the client's own descriptor of its region, once it is mapped and sealed. @throws NativeError */
  activate(requestRegion: number): void;
}

/**
 * A channel from this process to a model of its own engine: the same memory, the same queues as those of any
 * other client, and nobody in between.
 */
export async function openOwnChannel(
  engine: Engine,
  model: number,
  sizes: Omit<ChannelFilesOptions, 'channelId'>,
): Promise<OwnChannel> {
  lastId += 1;
  const id = lastId;
  const files = await createChannelFiles({ ...sizes, channelId: id });
  const { requestRegion, responseRegion, bell, clientSocket, hostSocket } = files;
  const descriptors = [requestRegion, responseRegion, bell, clientSocket] as const;
  try {
    engine.openChannel({ id, model, responseRegion, bell, hostSocket });
  } catch (error) {
    for (const fd of descriptors) closeSync(fd);
    throw error;
  } finally {
    closeSync(hostSocket);
  }
  return { id, descriptors, activate: (region) => engine.activateChannel(id, region) };
}
