import type { ErrorCode } from '../../../protocol/error-codes.ts';
import { MlosError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Clock, Timer } from '../clock.ts';
import type { HostLimits } from '../host-limits.ts';
import { type ArenaSizes, arenaBytes, startSizes } from './arena-sizes.ts';
import type { ChannelJob } from './channel-job.ts';
import type { EngineModel } from './engine-model.ts';
import { ModelChannel, type ModelChannelEvents, type Unanswered } from './model-channel.ts';

export interface ModelChannelsEvents extends Pick<ModelChannelEvents, 'answered'> {
  /** There is room that was not there before. */
  room(): void;
  /** No channel that could hold this request can be had. */
  refused(error: MlosError): void;
  /** The engine has closed a channel; this was unanswered in it. */
  lost(left: readonly Unanswered[], code: ErrorCode): void;
  /** A channel ended without a word, as it does when the process dies. */
  ended(): void;
}

/** A channel grows by this factor at a time. */
const growth = 4;
/** A channel that has no room for so many requests at once should have it. */
const leastAtOnce = 4;

function assertPossible(bytes: number): void {
  const most = limits.channelArenaBytes;
  if (bytes <= most) return;
  throw new MlosError(
    'PAYLOAD_TOO_LARGE',
    `The request does not fit into a channel, which has ${most} bytes at most.`,
  );
}

/**
 * The channel to one loaded model, and those before it that still have answers to come: where a request
 * or an answer does not fit, a larger channel takes over; after a pause a small one again.
 */
export class ModelChannels {
  readonly #model: EngineModel;
  readonly #limits: HostLimits;
  readonly #clock: Clock;
  readonly #events: ModelChannelsEvents;
  readonly #start: ArenaSizes;
  readonly #former = new Set<ModelChannel>();
  #current: ModelChannel | null = null;
  #opening = false;
  #closed = false;
  #idleTimer: Timer | null = null;

  constructor(options: {
    readonly model: EngineModel;
    readonly limits: HostLimits;
    readonly clock: Clock;
    readonly events: ModelChannelsEvents;
  }) {
    this.#model = options.model;
    this.#limits = options.limits;
    this.#clock = options.clock;
    this.#events = options.events;
    this.#start = startSizes(options.model.signature);
  }

  get model(): EngineModel {
    return this.#model;
  }

  /** The first channel. Rejects where it cannot be had. */
  async open(): Promise<void> {
    await this.#replace(this.#start);
  }

  /**
   * Where the job was put, and its id there; null: it has to wait for `room`, or is answered by then.
   * Throws PAYLOAD_TOO_LARGE where no channel can ever hold it.
   */
  submit(job: ChannelJob): { readonly channel: ModelChannel; readonly id: number } | null {
    const channel = this.#current;
    if (channel === null || this.#opening) return null;
    if (!channel.couldHold(job)) {
      this.#grow(channel, job);
      return null;
    }
    this.#idleTimer?.cancel();
    this.#idleTimer = null;
    const id = channel.submit(job);
    if (id !== null) return { channel, id };
    // It would fit if it were alone; but the engine should not have to wait for the next request.
    if (channel.open && channel.pending < leastAtOnce) this.#grow(channel, job, growth);
    return null;
  }

  /** True where a larger arena for answers can still be had for it; the job then asks for that. */
  growFor(job: ChannelJob): boolean {
    const most = limits.channelArenaBytes;
    if (job.responseBytes >= most) return false;
    const had = this.#current?.sizes.responseBytes ?? 0;
    job.responseBytes = Math.min(Math.max(had, job.responseBytes) * growth, most);
    return true;
  }

  /** Everything unanswered, oldest first; all channels are closed. */
  takePending(): Unanswered[] {
    this.#closed = true;
    this.#idleTimer?.cancel();
    const channels = [...this.#former, ...(this.#current === null ? [] : [this.#current])];
    this.#former.clear();
    this.#current = null;
    return channels.flatMap((channel) => {
      const left = channel.takePending();
      channel.close();
      return left;
    });
  }

  #grow(channel: ModelChannel, job: ChannelJob, factor = 1): void {
    const { requestBytes, responseBytes } = channel.sizes;
    const need = { request: job.packed.requestBytes, response: job.responseBytes };
    assertPossible(Math.max(need.request, need.response));
    const sizes = {
      requestBytes: arenaBytes(Math.max(need.request, requestBytes * factor)),
      responseBytes: arenaBytes(Math.max(need.response, responseBytes * factor)),
    };
    const isLarger = sizes.requestBytes > requestBytes || sizes.responseBytes > responseBytes;
    if (!isLarger) {
      // As large as can be, empty, and still no room.
      if (channel.pending === 0) assertPossible(Number.POSITIVE_INFINITY);
      return;
    }
    this.#replace(sizes).catch((thrown: unknown) => {
      if (!this.#closed) this.#events.refused(MlosError.from(thrown));
    });
  }

  async #replace(sizes: ArenaSizes): Promise<void> {
    this.#opening = true;
    const { engine, handle, priority } = this.#model;
    const events: ModelChannelEvents = {
      answered: (job, answer) => this.#events.answered(job, answer),
      drained: (channel) => this.#onDrained(channel),
      closed: (channel, code) => this.#onClosed(channel, code),
    };
    let channel: ModelChannel;
    try {
      channel = await ModelChannel.open({
        ...{ engine, handle, priority, events },
        clock: this.#clock,
        ...sizes,
      });
    } finally {
      this.#opening = false;
    }
    if (this.#closed) {
      channel.close();
      return;
    }
    const before = this.#current;
    this.#current = channel;
    if (before !== null) this.#retire(before);
    this.#events.room();
  }

  /** What was submitted to it is still answered. */
  #retire(channel: ModelChannel): void {
    if (channel.pending > 0) this.#former.add(channel);
    else channel.close();
  }

  #onDrained(channel: ModelChannel): void {
    if (channel === this.#current) {
      this.#events.room();
      if (channel.pending === 0) this.#armIdle(channel);
    } else if (channel.pending === 0 && this.#former.delete(channel)) {
      channel.close();
    }
  }

  #onClosed(channel: ModelChannel, code: ErrorCode | null): void {
    if (code === null) {
      this.#events.ended();
      return;
    }
    if (channel === this.#current) this.#current = null;
    this.#former.delete(channel);
    const left = channel.takePending();
    channel.close();
    this.#events.lost(left, code);
  }

  #armIdle(channel: ModelChannel): void {
    const { requestBytes, responseBytes } = channel.sizes;
    const start = this.#start;
    if (requestBytes <= start.requestBytes && responseBytes <= start.responseBytes) return;
    this.#idleTimer?.cancel();
    this.#idleTimer = this.#clock.after(
      this.#limits.channelIdleMs,
      () => {
        const isIdle = channel === this.#current && channel.pending === 0 && !this.#opening;
        // Where it fails the large one stays, until it is idle the next time.
        if (isIdle) this.#replace(start).catch(() => undefined);
      },
      'background',
    );
  }
}
