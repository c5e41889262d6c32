import { closeSync } from 'node:fs';
import { type ChannelFds, ClientChannel } from '../../native/client-channel.ts';
import { receiveDescriptors, sendDescriptors, socketPair } from '../../native/fd-socket.ts';
import { MlosError } from '../../protocol/errors.ts';
import type { AttachFacts } from './attach-facts.ts';

export const channelDescriptors = 4;

export interface OpenedChannel {
  readonly facts: AttachFacts;
  readonly channel: ClientChannel;
  /** The channel's socket once more, for the event loop: the reader closes its own. */
  readonly wakeFd: number;
}

/** A second descriptor of the same socket. Node has no dup(), but whoever is sent one gets one. */
function duplicate(fd: number): number {
  const [here, there] = socketPair();
  try {
    sendDescriptors(here, new Uint8Array(1), [fd]);
    const [copy] = receiveDescriptors(there, { maxBytes: 1, maxFds: 1 })?.fds ?? [];
    if (copy === undefined)
      throw new MlosError('INTERNAL', 'A descriptor could not be duplicated.');
    return copy;
  } finally {
    closeSync(here);
    closeSync(there);
  }
}

/** Takes the client's four descriptors of a channel over, also when it throws. */
export function openChannel(fds: readonly number[], spinUs: number): Omit<OpenedChannel, 'facts'> {
  const [requestRegion, responseRegion, bell, socket] = fds;
  let wakeFd: number | null = null;
  try {
    if (
      requestRegion === undefined ||
      responseRegion === undefined ||
      bell === undefined ||
      socket === undefined
    ) {
      throw new MlosError(
        'INTERNAL',
        `The daemon sent ${fds.length} descriptors for a channel instead of ${channelDescriptors}.`,
      );
    }
    wakeFd = duplicate(socket);
    const files: ChannelFds = { requestRegion, responseRegion, bell, socket };
    fds = []; // The channel owns them, also when it throws.
    return { channel: ClientChannel.open(files, { spinUs }), wakeFd };
  } catch (error) {
    for (const fd of fds) closeSync(fd);
    if (wakeFd !== null) closeSync(wakeFd);
    throw MlosError.from(error);
  }
}
