import { closeSync } from 'node:fs';
import type { ChannelFiles } from '../../../native/channel-files.ts';
import { statusOfErrorCode } from '../../../native/control-message.ts';
import type { ErrorCode } from '../../../protocol/error-codes.ts';
import type { EngineControl } from './engine-control.ts';

/** The descriptors that a client of a channel gets. */
export type ClientFiles = Pick<
  ChannelFiles,
  'requestRegion' | 'responseRegion' | 'bell' | 'clientSocket'
>;

/** A channel that the engine has opened, from the daemon's side. Knows nothing of who its client is. */
export class EngineChannel {
  readonly id: number;
  /** Of its model. */
  readonly handle: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly #control: EngineControl;
  readonly #files: Map<keyof ClientFiles, number>;
  readonly #onGone: () => void;
  #gone = false;

  constructor(options: {
    readonly id: number;
    readonly handle: number;
    readonly requestBytes: number;
    readonly responseBytes: number;
    readonly control: EngineControl;
    readonly files: ClientFiles;
    readonly onGone: () => void;
  }) {
    const { requestRegion, responseRegion, bell, clientSocket } = options.files;
    this.id = options.id;
    this.handle = options.handle;
    this.requestBytes = options.requestBytes;
    this.responseBytes = options.responseBytes;
    this.#control = options.control;
    this.#files = new Map(
      Object.entries({ requestRegion, responseRegion, bell, clientSocket }) as [
        keyof ClientFiles,
        number,
      ][],
    );
    this.#onGone = options.onGone;
  }

  /** True once the engine has let it go. */
  get gone(): boolean {
    return this.#gone;
  }

  /** For sending; they stay ours. Throws once one of them was closed or taken. */
  get clientFiles(): ClientFiles {
    const fd = (name: keyof ClientFiles): number => {
      const found = this.#files.get(name);
      if (found === undefined) throw new Error(`Channel ${this.id}: ${name} has been given away.`);
      return found;
    };
    return {
      requestRegion: fd('requestRegion'),
      responseRegion: fd('responseRegion'),
      bell: fd('bell'),
      clientSocket: fd('clientSocket'),
    };
  }

  /** The same for a client in this process, who closes them from here on. */
  takeClientFiles(): ClientFiles {
    const files = this.clientFiles;
    this.#files.clear();
    return files;
  }

  /** Closes ours of those named: the client has its own, and its death must end the channel. */
  closeFiles(...names: readonly (keyof ClientFiles)[]): void {
    for (const name of names) {
      const fd = this.#files.get(name);
      if (fd === undefined) continue;
      this.#files.delete(name);
      closeSync(fd);
    }
  }

  /** The client has mapped its region; `requestRegion` is it, where it is not ours any more. */
  async activate(requestRegion = this.#files.get('requestRegion')): Promise<void> {
    if (requestRegion === undefined) throw new Error(`Channel ${this.id} has been activated.`);
    const kind = 'activateChannel';
    await this.#control.request({ kind, channelId: this.id, descriptors: [requestRegion] });
    this.closeFiles('requestRegion');
  }

  /** Its unanswered requests get `code`. */
  async close(code: ErrorCode): Promise<void> {
    const argument2 = statusOfErrorCode(code);
    await this.#control.request({ kind: 'closeChannel', channelId: this.id, argument2 });
    this.lost();
  }

  /** The engine has let it go, or is gone itself. Once. */
  lost(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.closeFiles('requestRegion', 'responseRegion', 'bell', 'clientSocket');
    this.#onGone();
  }
}
