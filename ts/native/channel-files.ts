import { requireInteger } from './arguments.ts';
import { nativeBinding } from './binding.ts';

import { channelLayout } from './channel-layout.ts';
import { toNativeError } from './native-error.ts';

export interface ChannelFilesOptions {
  /** Names the channel in its regions' headers. */
  readonly channelId: number;
  /** Bytes for inputs and for outputs; `channelLayout().bounds` has the least and the most. */
  readonly requestArenaBytes: number;
  readonly responseArenaBytes: number;
  /** Try huge pages for large arenas; ordinary ones where the host has none to give. Default false. */
  readonly hugePages?: boolean;
}

/** The descriptors that a channel consists of; all are the caller's to close. */
export interface ChannelFiles {
  readonly requestRegion: number;
  readonly responseRegion: number;
  readonly bell: number;
  readonly clientSocket: number;
  readonly hostSocket: number;
  /** Whether each region lies on huge pages. */
  readonly requestHuge: boolean;
  readonly responseHuge: boolean;
}

/**
 * Makes the memory, the bell and the socket pair of a new channel, on a thread of its own: every page is
 * allocated, which takes a second for some gigabytes.
 * Rejects with NativeError `INVALID_ARGUMENT` for sizes out of bounds; `ENOMEM`, `ENOSPC`, `EMFILE`.
 */
export async function createChannelFiles(options: ChannelFilesOptions): Promise<ChannelFiles> {
  const { channelId, requestArenaBytes, responseArenaBytes, hugePages = false } = options;
  const { minArenaBytes: min, maxArenaBytes: max } = channelLayout().bounds;
  requireInteger(channelId, 'channelId', { min: 0 });
  requireInteger(requestArenaBytes, 'requestArenaBytes', { min, max });
  requireInteger(responseArenaBytes, 'responseArenaBytes', { min, max });
  try {
    return await nativeBinding().channelFilesCreate(
      channelId,
      requestArenaBytes,
      responseArenaBytes,
      hugePages,
    );
  } catch (thrown) {
    throw toNativeError(thrown);
  }
}
