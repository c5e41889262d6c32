import type { NativeHandle } from './binding.ts';

export type ChannelHandle = NativeHandle<'channel'>;

/**
 * What channelOpen answers. The functions belong to this one channel, so they need no handle; they do
 * not throw, but answer one of `callFault` where something is in the way.
 */
export interface NativeChannel {
  readonly handle: ChannelHandle;
  readonly mailbox: Float64Array;
  readonly requestRegionFd: number;
  readonly socketFd: number;
  readonly requestArenaBytes: number;
  readonly responseArenaBytes: number;
  /** A request's deadline is in nanoseconds, 0 for none. Answers the id. */
  submit(prepared: number, deadlineNs: number): number;
  /** Answers 0 when the answer is in the mailbox, else the id. */
  submitAndSpin(prepared: number, spinUs: number, deadlineNs: number): number;
  /** Answers 0; 0 milliseconds wait for ever. */
  runSync(prepared: number, timeoutMs: number): number;
  /** 1: an answer is in the mailbox. 0: none is there. */
  poll(): number;
  spin(spinUs: number): number;
}

/** The part of the addon that client-channel.ts uses. */
export interface ChannelBinding {
  channelFilesCreate(
    channelId: number,
    requestArenaBytes: number,
    responseArenaBytes: number,
    hugePages: boolean,
  ): Promise<{
    requestRegion: number;
    responseRegion: number;
    bell: number;
    clientSocket: number;
    hostSocket: number;
    requestHuge: boolean;
    responseHuge: boolean;
  }>;
  channelOpen(
    requestRegion: number,
    responseRegion: number,
    bell: number,
    socket: number,
    spinUs: number,
  ): NativeChannel;
  /** The buffers that offsets count in; another one when JavaScript has moved the first away. */
  channelRequestBuffer(channel: ChannelHandle): ArrayBuffer;
  channelResponseBuffer(channel: ChannelHandle): ArrayBuffer;
  /** Reads the mailbox' body, answers the block's number or a fault. */
  channelPrepare(channel: ChannelHandle): number;
  /** Frees the block, at once or when its request is answered. */
  channelFree(channel: ChannelHandle, prepared: number): void;
  /** 0, or a fault. An empty id: no sequence. */
  channelSetSequence(channel: ChannelHandle, prepared: number, id: string, flags: number): number;
  /** The text of the error that the mailbox holds. */
  channelMessage(channel: ChannelHandle): string;
  channelFlush(channel: ChannelHandle): void;
  channelListen(channel: ChannelHandle): boolean;
  channelStopListening(channel: ChannelHandle): void;
  channelCancel(channel: ChannelHandle, requestId: number): void;
  channelCheckPeer(channel: ChannelHandle): void;
  /** [ChannelState, StatusCode of its close]. */
  channelState(channel: ChannelHandle): number;
  channelCloseCode(channel: ChannelHandle): number;
  channelWasBegun(channel: ChannelHandle, requestId: number): boolean;
  channelInFlight(channel: ChannelHandle): number;
  channelClose(channel: ChannelHandle): void;
}
