import { channelLayout, type Priority } from '../../../native/channel-layout.ts';
import {
  type Answer,
  ClientChannel,
  type PreparedRequest,
} from '../../../native/client-channel.ts';
import type { ErrorCode } from '../../../protocol/error-codes.ts';
import type { Clock } from '../clock.ts';
import type { ArenaSizes } from './arena-sizes.ts';
import type { ChannelJob } from './channel-job.ts';
import type { HostEngine } from './host-engine.ts';
import { PreparedPool } from './prepared-pool.ts';
import { watchSocket } from './wake-socket.ts';

export interface ModelChannelEvents {
  /** The job's answer; read at once, it is released afterwards. */
  answered(job: ChannelJob, answer: Answer): void;
  /** Answers came, so that there may be room again. */
  drained(channel: ModelChannel): void;
  /** The engine has closed it, or its process is going. `code`: the engine's word, null where it said none. */
  closed(channel: ModelChannel, code: ErrorCode | null): void;
}

export interface ModelChannelOptions extends ArenaSizes {
  readonly engine: HostEngine;
  readonly handle: number;
  readonly priority: Priority;
  readonly clock: Clock;
  readonly events: ModelChannelEvents;
}

/** What was left in a channel that has ended. */
export interface Unanswered {
  readonly job: ChannelJob;
  /** The engine had begun to run it. */
  readonly begun: boolean;
}

interface Submission {
  readonly job: ChannelJob;
  readonly prepared: PreparedRequest;
  readonly responseBytes: number;
}

/** Runs that are likely to end within so many microseconds are waited for before the loop sleeps. */
const spinWorthUs = 40;
/** For so long: a worker that slept needs about half of that until it looks, and then the run itself. */
const spinUs = 100;
const nanosecondsPerMs = 1e6;

/** The daemon's own channel to one loaded model. Never blocks but for a bounded spin. */
export class ModelChannel {
  readonly sizes: ArenaSizes;
  readonly #channel: ClientChannel;
  readonly #pool: PreparedPool;
  readonly #clock: Clock;
  readonly #events: ModelChannelEvents;
  readonly #stopWatch: () => void;
  readonly #pending = new Map<number, Submission>();
  readonly #slots: number;
  /** Room that the answers to come are likely to take. */
  #awaited = 0;
  #scheduled = false;
  #draining = false;
  #closed = false;
  /** What a request takes in the engine, in microseconds, smoothed. */
  #expectedUs = spinWorthUs;

  private constructor(channel: ClientChannel, options: ModelChannelOptions) {
    this.sizes = { requestBytes: options.requestBytes, responseBytes: options.responseBytes };
    this.#channel = channel;
    this.#pool = new PreparedPool(channel, options.priority);
    this.#clock = options.clock;
    this.#events = options.events;
    this.#slots = channelLayout().bounds.slots;
    this.#stopWatch = watchSocket(channel.socketFd, {
      onByte: () => this.#drain(),
      onEnd: () => this.#onEnd(),
    });
  }

  /** Errors: those of HostEngine.openChannel and of activation. */
  static async open(options: ModelChannelOptions): Promise<ModelChannel> {
    const { engine, handle, priority, requestBytes, responseBytes } = options;
    const opened = await engine.openChannel({
      ...{ handle, priority, requestBytes, responseBytes },
      sharesSequences: true,
      onGone: () => undefined,
    });
    const { clientSocket, ...files } = opened.takeClientFiles();
    const channel = ClientChannel.open({ ...files, socket: clientSocket }, { spinUs: 0 });
    try {
      await opened.activate(channel.requestRegionFd);
      return new ModelChannel(channel, options);
    } catch (error) {
      channel.close();
      throw error;
    }
  }

  get open(): boolean {
    return !this.#closed && this.#channel.state === 'open';
  }

  get pending(): number {
    return this.#pending.size;
  }

  /** True where the request could be held if it were alone. */
  couldHold(job: ChannelJob): boolean {
    const { requestBytes, responseBytes } = this.sizes;
    return job.packed.requestBytes <= requestBytes && job.responseBytes <= responseBytes;
  }

  /** The request's id; null: there is no room now, or the channel is closed. */
  submit(job: ChannelJob): number | null {
    if (!this.open || this.#pending.size >= this.#slots) return null;
    // Answers that would not find room cost a second run.
    if (this.#pending.size > 0 && this.#awaited + job.responseBytes > this.sizes.responseBytes) {
      return null;
    }
    const prepared = this.#pool.take(job.packed);
    if (prepared === null) return null;
    const { bytes: inputs, sequence } = job.packed;
    for (const [i, bytes] of inputs.entries()) prepared.inputs[i]?.set(bytes);
    if (sequence !== null) prepared.setSequence(sequence);
    const id = prepared.submit(this.#deadlineNs(job));
    const { responseBytes } = job;
    this.#pending.set(id, { job, prepared, responseBytes });
    this.#awaited += responseBytes;
    this.#schedule();
    return id;
  }

  /** Nobody waits for it any more; it ends soon where the runtime can end it. */
  cancel(id: number): void {
    if (!this.#closed && this.#pending.has(id)) this.#channel.cancel(id);
  }

  /** True where the engine has begun to run it. */
  wasBegun(id: number): boolean {
    return this.#channel.wasBegun(id);
  }

  /** Takes what is unanswered out, in the order in which it was submitted, after a last look for answers. */
  takePending(): Unanswered[] {
    this.#takeAnswers();
    const left = [...this.#pending].map(([id, { job }]) => ({
      job,
      begun: this.#channel.wasBegun(id),
    }));
    this.#pending.clear();
    return left;
  }

  /** Lets go of the memory. What is pending is forgotten. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopWatch();
    this.#channel.close();
  }

  /** The host's clock may be a test's; the engine's is CLOCK_MONOTONIC. */
  #deadlineNs(job: ChannelJob): number {
    const { deadlineAt } = job.spec;
    if (deadlineAt === null) return 0;
    const leftNs = Math.max(0, deadlineAt - this.#clock.now()) * nanosecondsPerMs;
    return Math.max(1, Math.round(Number(process.hrtime.bigint()) + leftNs));
  }

  /** All requests of one turn of the loop are looked after together. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (this.#closed) return;
      if (this.#expectedUs < spinWorthUs) this.#channel.spin(spinUs);
      this.#drain();
    });
  }

  #drain(): void {
    if (this.#closed || this.#draining) return;
    this.#draining = true;
    try {
      do {
        this.#takeAnswers();
        this.#events.drained(this);
      } while (this.#mustLook());
    } finally {
      this.#draining = false;
    }
    if (!this.#closed && this.#channel.state === 'closed') this.#ended();
  }

  /** False once the next answer will wake the loop, or there is none to come. */
  #mustLook(): boolean {
    // What `drained` has submitted is looked after by the next turn.
    if (!this.open || this.#pending.size === 0 || this.#scheduled) return false;
    return !this.#channel.listen();
  }

  #takeAnswers(): void {
    if (this.#closed) return;
    for (let answer = this.#channel.poll(); answer !== null; answer = this.#channel.poll()) {
      const submission = this.#pending.get(answer.requestId);
      this.#pending.delete(answer.requestId);
      if (submission === undefined) {
        answer.release();
        continue;
      }
      const { job, prepared, responseBytes } = submission;
      this.#awaited -= responseBytes;
      this.#expectedUs += (answer.queueNs / 1000 + answer.runNs / 1000 - this.#expectedUs) / 8;
      this.#pool.give(job.packed, prepared);
      try {
        this.#events.answered(job, answer);
      } finally {
        answer.release();
      }
      if (this.#closed) return;
    }
  }

  #onEnd(): void {
    if (this.#closed) return;
    this.#channel.checkPeer();
    this.#drain();
    if (!this.#closed) this.#ended();
  }

  #ended(): void {
    const code = this.#channel.closeCode;
    this.#events.closed(this, code === 'PLUGIN_CRASHED' ? null : code);
  }
}
