import type { AttachParams } from './attach-facts.ts';
import { type DriveOptions, drive, driveSync } from './drive.ts';
import { attachChannel } from './handshake.ts';
import type { OpenedChannel } from './open-channel.ts';

/** Where channels to one model come from, as often as one is needed. */
export interface Connector {
  attach(params: AttachParams, options: DriveOptions): Promise<OpenedChannel>;
  /** The same, blocking the thread. */
  attachSync(params: AttachParams, deadlineMs: number): OpenedChannel;
}

/** From the daemon that listens on this socket. */
export function socketConnector(socketPath: string, spinUs: number | undefined): Connector {
  const options = spinUs === undefined ? {} : { spinUs };
  return {
    attach: (params, how) => drive(attachChannel(socketPath, params, options), how),
    attachSync: (params, deadlineMs) =>
      driveSync(attachChannel(socketPath, params, options), deadlineMs),
  };
}
