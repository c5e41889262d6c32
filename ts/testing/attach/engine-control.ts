import { closeSync } from 'node:fs';
import {
  type ControlMessage,
  decodeControl,
  encodeControl,
  errorCodeOfStatus,
} from '../../native/control-message.ts';
import { statsPageBytes, writeStatsHeader } from '../../native/engine-stats.ts';
import { receiveDescriptors, sendDescriptors, socketPair } from '../../native/fd-socket.ts';
import { onReadable } from '../../native/readable.ts';
import { Region } from '../../native/region.ts';

type Message = Pick<ControlMessage, 'kind'> & Partial<ControlMessage>;

/** The daemon's side of an engine's control socket, for an engine in this very process. */
export class EngineControl {
  readonly engineFd: number;
  readonly #fd: number;
  readonly #waiting = new Map<number, (reply: ControlMessage) => void>();
  #sequence = 0;

  constructor() {
    [this.#fd, this.engineFd] = socketPair('seqpacket');
    this.#listen();
  }

  async start(spinUs: number): Promise<void> {
    const stats = Region.create({ byteLength: statsPageBytes() });
    writeStatsHeader(stats);
    await this.ask({ kind: 'startEngine', argument: spinUs }, [stats.fd]);
  }

  /** Sends; the reply has to be a success. */
  async ask(message: Message, fds: readonly number[]): Promise<void> {
    const sequence = ++this.#sequence;
    const reply = await new Promise<ControlMessage>((resolve) => {
      this.#waiting.set(sequence, resolve);
      sendDescriptors(this.#fd, encodeControl({ ...message, sequence }), fds);
    });
    const code = errorCodeOfStatus(reply.status);
    if (code !== null) throw new Error(`${message.kind}: ${code} ${reply.text}`);
  }

  #listen(): void {
    onReadable(
      this.#fd,
      () => {
        for (;;) {
          const message = receiveDescriptors(this.#fd, { maxBytes: 4_096, maxFds: 0 });
          if (message === null) break;
          if (message.bytes.byteLength === 0) return closeSync(this.#fd);
          const control = decodeControl(message.bytes);
          this.#waiting.get(control.sequence)?.(control);
          this.#waiting.delete(control.sequence);
        }
        this.#listen();
      },
      { keepAlive: true },
    );
  }
}
