import { channelLayout } from '../../native/channel-layout.ts';
import type { Answer, ClientChannel } from '../../native/client-channel.ts';
import { MlosError } from '../../protocol/errors.ts';
import { AnswerPump } from './answer-pump.ts';
import type { AttachFacts } from './attach-facts.ts';
import { type Call, errorOfAnswer, mayOutgrow } from './call.ts';
import type { ChannelRequest } from './channel-request.ts';
import type { OpenedChannel } from './open-channel.ts';
import { SpinBudget } from './spin-budget.ts';

export interface LinkOwner {
  /** The host has closed the channel. `unbegun` can be asked again without running twice. */
  onClosed(link: Link, reason: MlosError, unbegun: readonly Call[]): void;
  /** Answers came, so there is room. */
  onRoom(link: Link): void;
  /** There was no room for the answer. True: the owner has taken the call over. */
  onNoRoom(link: Link, call: Call): boolean;
}

/**
 * One channel and the calls under way on it.
 *
 *     open ──close, crash──→ closed ──┐ nothing under way,
 *       └───replaced────────→ retired ┴ nobody points into its memory──→ ended (unmapped)
 *
 * A closed or retired link takes no new call, but its memory stays while requests and results lie
 * in it.
 */
export class Link {
  readonly facts: AttachFacts;
  readonly channel: ClientChannel;
  readonly spin: SpinBudget;
  readonly #pump: AnswerPump;
  readonly #owner: LinkOwner;
  readonly #slots = channelLayout().bounds.slots;
  readonly #calls = new Map<number, Call>();
  /** Requests and results that lie in its memory. */
  #holders = 0;
  #state: 'open' | 'closed' | 'retired' | 'ended' = 'open';

  constructor(opened: OpenedChannel, owner: LinkOwner) {
    this.facts = opened.facts;
    this.channel = opened.channel;
    this.spin = new SpinBudget(opened.facts.spinUs);
    this.#owner = owner;
    this.#pump = new AnswerPump(
      opened.channel,
      opened.wakeFd,
      {
        onAnswer: (answer) => this.#onAnswer(answer),
        onDrained: () => this.#owner.onRoom(this),
        onEnd: () => this.close(),
        isWaiting: () => this.#calls.size > 0,
      },
      this.spin.allowed,
    );
  }

  get open(): boolean {
    return this.#state === 'open';
  }

  /** Its memory is gone. */
  get ended(): boolean {
    return this.#state === 'ended';
  }

  /** Nothing is under way. */
  get isQuiet(): boolean {
    return this.#calls.size === 0;
  }

  calls(): Iterable<Call> {
    return this.#calls.values();
  }

  hold(): void {
    this.#holders++;
  }

  letGo(): void {
    this.#holders--;
    if (this.#state !== 'open') this.#endWhenUnused();
  }

  /** Sends a call. False: there is no room now, or the channel has closed (then it is not open). */
  send(call: Call): boolean {
    if (this.#calls.size >= this.#slots) return false;
    const request = call.job.requestOn(this);
    if (request === null) return false;
    const requestId = this.#submit(() => request.prepared.submit(deadlineNs(call.deadlineMs)));
    if (requestId === null) return false;
    this.follow(call, request, requestId);
    return true;
  }

  /** Asks and spins: the answer, the id of the request under way, or null as `send` has false. */
  sendAndSpin(request: ChannelRequest, spinUs: number, deadlineMs: number): Answer | number | null {
    const deadline = deadlineNs(deadlineMs);
    const outcome = this.#submit(() => request.prepared.submitAndSpin(spinUs, deadline));
    if (outcome === null) return null;
    if (typeof outcome === 'number') this.spin.miss();
    else this.spin.hit();
    return outcome;
  }

  /** Asks and blocks the thread. Throws what the channel does: DEADLINE_EXCEEDED, or why it closed. */
  runSync(request: ChannelRequest, timeoutMs: number): Answer {
    try {
      return request.prepared.runSync(timeoutMs);
    } catch (error) {
      this.#noticeClose();
      throw error;
    } finally {
      this.#pump.resume();
    }
  }

  /** The call's request has been submitted with this id. */
  follow(call: Call, request: ChannelRequest, requestId: number): void {
    request.isUnderWay = true;
    call.request = request;
    call.link = this;
    call.requestId = requestId;
    this.#calls.set(requestId, call);
    this.#pump.wake();
  }

  /** Nobody is to use it any more; what is under way is still answered. Idempotent. */
  retire(): void {
    if (this.#state === 'open') this.#state = 'retired';
    this.#endWhenUnused();
  }

  /** The channel has closed: answers that came before are given out, then everybody is told. */
  close(): void {
    if (this.#state === 'closed' || this.#state === 'ended') return;
    this.#pump.drain();
    const wasOpen = this.#state === 'open';
    this.#state = 'closed';
    this.#pump.end();
    const reason = closeReason(this.channel);
    const unbegun: Call[] = [];
    for (const [requestId, call] of this.#calls) {
      const begun = this.channel.wasBegun(requestId);
      this.#finish(call);
      if (call.settled || begun) call.reject(reason);
      else unbegun.push(call);
    }
    this.#calls.clear();
    if (wasOpen || unbegun.length > 0) this.#owner.onClosed(this, reason, unbegun);
    this.#endWhenUnused();
  }

  /** Ends it now, whoever points into its memory. Calls under way are rejected. Idempotent. */
  end(reason: MlosError): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#pump.end();
    for (const call of this.#calls.values()) {
      this.#finish(call);
      call.reject(reason);
    }
    this.#calls.clear();
    this.channel.close();
  }

  /** Null: no slot is free, or the channel has closed. */
  #submit<T>(submit: () => T): T | null {
    try {
      return submit();
    } catch (error) {
      if ((error as MlosError).code === 'TOO_MANY_REQUESTS') return null;
      if (this.#noticeClose()) return null;
      throw error;
    }
  }

  #noticeClose(): boolean {
    this.channel.checkPeer();
    if (this.channel.state !== 'closed') return false;
    this.close();
    return true;
  }

  #finish(call: Call): void {
    if (call.request !== null) call.request.isUnderWay = false;
    call.request = null;
    call.link = null;
  }

  #onAnswer(answer: Answer): void {
    const call = this.#calls.get(answer.requestId);
    if (call === undefined) {
      answer.release();
      return;
    }
    this.#calls.delete(answer.requestId);
    this.#finish(call);
    if (call.settled) answer.release();
    else if (answer.code === null) this.#resolve(call, answer);
    else {
      answer.release();
      if (mayOutgrow(call.job, answer) && this.#owner.onNoRoom(this, call)) return;
      call.reject(errorOfAnswer(answer));
    }
    if (this.#state !== 'open') this.#endWhenUnused();
  }

  #resolve(call: Call, answer: Answer): void {
    try {
      call.resolve(call.job.take(answer, this));
    } catch (error) {
      call.reject(MlosError.from(error));
    }
  }

  #endWhenUnused(): void {
    if (this.#state === 'open' || this.#holders > 0 || this.#calls.size > 0) return;
    this.end(new MlosError('CANCELLED', 'The channel is closed.'));
  }
}

function closeReason(channel: ClientChannel): MlosError {
  const code = channel.closeCode ?? 'PLUGIN_CRASHED';
  return new MlosError(
    code,
    code === 'PLUGIN_CRASHED'
      ? 'The plugin process died while it worked on this request; the model is attached again.'
      : `The channel to the model was closed by the host: ${code}.`,
  );
}

/** CLOCK_MONOTONIC in ns at the zero of performance.now(). */
const originNs = Number(process.hrtime.bigint()) - performance.now() * 1e6;

/** A deadline as the channel wants it; 0: none. */
export function deadlineNs(deadlineMs: number): number {
  return deadlineMs === Number.POSITIVE_INFINITY ? 0 : Math.round(originNs + deadlineMs * 1e6);
}
