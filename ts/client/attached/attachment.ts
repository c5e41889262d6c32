import { MlosError } from '../../protocol/errors.ts';
import { ArenaSizes } from './arena-sizes.ts';
import type { AttachParams } from './attach-facts.ts';
import { Backlog } from './backlog.ts';
import { type Call, cancelledBy, lateError } from './call.ts';
import type { RequestShape } from './channel-request.ts';
import type { Connector } from './connector.ts';
import { type DriveOptions, sleep, sleepSync } from './drive.ts';
import { Expiry } from './expiry.ts';
import { Link, type LinkOwner } from './link.ts';
import type { OpenedChannel } from './open-channel.ts';
import { isPassing, Pause } from './retry.ts';

export interface AttachmentOptions {
  readonly connector: Connector;
  readonly params: AttachParams;
  /** What an arena may grow to, in bytes. */
  readonly maxArenaBytes: number;
  /** Frees memory that only waits to be used again. False: there was none. */
  readonly onScarce: () => boolean;
}

/**
 * The way to one model that outlives its channels.
 *
 *     attached ──the host closes──→ detached ──tries at once──→ attached
 *        ↑                             └─ failed: again while calls wait, else at the next use
 *        └── a request or answer does not fit: a larger channel, the old one ends when unused
 *
 * Calls that cannot be sent wait here in order: for the model to be attached, or for room.
 */
export class Attachment implements LinkOwner {
  readonly #options: AttachmentOptions;
  readonly #sizes: ArenaSizes;
  readonly #backlog = new Backlog();
  readonly #expiry = new Expiry((nowMs) => this.#expire(nowMs));
  /** All whose memory is still there; `#link` is one of them. */
  readonly #links = new Set<Link>();
  #link: Link | null = null;
  #linking: Promise<Link> | null = null;
  #isAttaching = false;
  #lastError: MlosError | null = null;
  #closed: MlosError | null = null;

  constructor(options: AttachmentOptions) {
    this.#options = options;
    this.#sizes = new ArenaSizes(options.params, options.maxArenaBytes);
  }

  /** The link that takes requests; null while the model is not attached. */
  get link(): Link | null {
    return this.#link;
  }

  /** Why no further call can be made. */
  get closed(): MlosError | null {
    return this.#closed;
  }

  /** Nobody waits, so that a new request is the next one. */
  get isClear(): boolean {
    return this.#backlog.isEmpty;
  }

  /** The first attaching. Rejects with what the daemon answers. */
  async attach(options: DriveOptions): Promise<Link> {
    return this.#adopt(await this.#connect(options));
  }

  /** Sends a call now or as soon as that can be. Never throws. */
  send(call: Call): void {
    if (this.#closed !== null) {
      call.reject(this.#closed);
      return;
    }
    this.mind(call.deadlineMs);
    if (this.#backlog.isEmpty && this.#trySend(call)) return;
    call.job.keep();
    this.#backlog.add(call);
    if (this.#link === null && this.#closed === null) this.#attachAgain();
  }

  /** Calls with this deadline are under way: they are told when it is over. */
  mind(deadlineMs: number): void {
    this.#expiry.include(deadlineMs);
  }

  /** An open link whose arena could hold such a request. */
  async linkFor(shape: RequestShape, deadlineMs: number): Promise<Link> {
    const pause = new Pause();
    for (;;) {
      const link = this.#readyLink(shape);
      if (link !== null) return link;
      try {
        // Whoever else waits for one gets the same.
        this.#linking ??= this.#connect({ deadlineMs })
          .then((opened) => this.#adopt(opened))
          .finally(() => {
            this.#linking = null;
          });
        await this.#linking;
      } catch (error) {
        await sleep(pause.after(error, deadlineMs));
      }
      if (this.#closed !== null) throw cancelledBy(this.#closed);
    }
  }

  /** The same, blocking the thread. */
  linkSync(shape: RequestShape, deadlineMs: number): Link {
    const pause = new Pause();
    for (;;) {
      const link = this.#readyLink(shape);
      if (link !== null) return link;
      try {
        this.#adopt(this.#options.connector.attachSync(this.#sizes.params, deadlineMs));
      } catch (error) {
        sleepSync(pause.after(error, deadlineMs));
      }
    }
  }

  /** Frees memory that only waits to be used again. False: there was none. */
  makeRoom(): boolean {
    return this.#options.onScarce();
  }

  /** The link has no room, and none will come: the next one has more. Throws at the limit. */
  outgrowInputs(link: Link, shape: RequestShape): void {
    if (link !== this.#link) return;
    this.#sizes.growInputs(link.facts, shape);
    this.#drop(link);
  }

  /** An answer did not fit: the next link has more room. False at the limit. */
  outgrowOutputs(link: Link, shape: RequestShape): boolean {
    // Another call may have had it replaced already.
    if (link !== this.#link) return true;
    if (!this.#sizes.growOutputs(link.facts, shape)) return false;
    this.#drop(link);
    return true;
  }

  /** Detaches every view. Calls under way are CANCELLED, later ones FAILED_PRECONDITION. Idempotent. */
  close(sentence: string): void {
    if (this.#closed !== null) return;
    this.#closed = new MlosError('FAILED_PRECONDITION', sentence);
    this.#link = null;
    const cancelled = cancelledBy(this.#closed);
    for (const link of this.#links) link.end(cancelled);
    this.#links.clear();
    this.#expiry.stop();
    this.#backlog.rejectAll(cancelled);
  }

  onClosed(link: Link, reason: MlosError, unbegun: readonly Call[]): void {
    if (this.#closed !== null) return;
    this.#backlog.putBack(unbegun);
    if (this.#link === link) {
      this.#link = null;
      this.#lastError = reason;
      // Whoever was sent away does not come back by itself.
      if (reason.code === 'PERMISSION_DENIED') this.#backlog.rejectAll(reason);
      else this.#attachAgain();
    }
    this.#flush();
  }

  onRoom(link: Link): void {
    if (link === this.#link && !this.#backlog.isEmpty) this.#flush();
    this.#forgetEnded();
  }

  onNoRoom(link: Link, call: Call): boolean {
    if (this.#closed !== null) return false;
    // At the limit it waits for the others to be done, if there are any.
    if (!this.outgrowOutputs(link, call.job.shape) && link.isQuiet) return false;
    this.#backlog.add(call);
    if (link !== this.#link) this.#flush();
    return true;
  }

  #readyLink(shape: RequestShape): Link | null {
    if (this.#closed !== null) throw this.#closed;
    const link = this.#link;
    if (link?.open !== true) return null;
    if (this.#sizes.hasRoom(link.facts, shape)) return link;
    this.#sizes.growInputs(link.facts, shape);
    return null;
  }

  #connect(options: DriveOptions): Promise<OpenedChannel> {
    return this.#options.connector.attach(this.#sizes.params, options);
  }

  #adopt(opened: OpenedChannel): Link {
    const link = new Link(opened, this);
    this.#links.add(link);
    if (this.#closed !== null) {
      link.end(cancelledBy(this.#closed));
      throw cancelledBy(this.#closed);
    }
    const before = this.#link;
    this.#link = link;
    this.#lastError = null;
    before?.retire();
    this.#forgetEnded();
    if (!this.#backlog.isEmpty) queueMicrotask(() => this.#flush());
    return link;
  }

  /** What is under way is answered where it is; what comes waits for the next link. */
  #drop(link: Link): void {
    this.#link = null;
    link.retire();
    this.#forgetEnded();
  }

  /** Attaches in the background, unless that is under way. */
  #attachAgain(): void {
    if (this.#isAttaching) return;
    this.#isAttaching = true;
    this.#attachWhileWanted()
      .catch((error: unknown) => this.#backlog.rejectAll(MlosError.from(error)))
      .finally(() => this.#afterAttaching());
  }

  #afterAttaching(): void {
    this.#isAttaching = false;
    if (this.#closed !== null) return;
    if (this.#link !== null) this.#flush();
    else if (!this.#backlog.isEmpty) this.#attachAgain();
  }

  async #attachWhileWanted(): Promise<void> {
    const pause = new Pause();
    while (this.#closed === null && this.#link === null) {
      try {
        // Calls that wait keep the process running, the attempt itself does not.
        const options = { deadlineMs: Number.POSITIVE_INFINITY, keepAlive: false };
        const opened = await this.#connect(options);
        // A synchronous call may have attached meanwhile.
        if (this.#link === null) this.#adopt(opened);
        else new Link(opened, this).retire();
        return;
      } catch (error) {
        this.#lastError = MlosError.from(error);
        if (!isPassing(this.#lastError)) this.#backlog.rejectAll(this.#lastError);
        if (this.#backlog.isEmpty) return;
        await sleep(pause.next(), { keepAlive: false });
      }
    }
  }

  /** False: it has to wait. What can never be sent is rejected. */
  #trySend(call: Call): boolean {
    const link = this.#link;
    if (link === null) return false;
    try {
      if (link.send(call)) return true;
      if (!link.open || !link.isQuiet) return false;
      // Nothing is under way, so room will not come by waiting.
      if (this.makeRoom() && link.send(call)) return true;
      if (link.open) this.outgrowInputs(link, call.job.shape);
      return false;
    } catch (error) {
      call.reject(MlosError.from(error));
      return true;
    }
  }

  #flush(): void {
    this.#backlog.flush((call) => this.#trySend(call));
    if (this.#link === null && !this.#backlog.isEmpty) this.#attachAgain();
  }

  #expire(nowMs: number): number {
    const why = this.#link === null ? this.#lastError : null;
    let next = Number.POSITIVE_INFINITY;
    const look = (call: Call) => {
      if (call.settled) return;
      if (call.deadlineMs <= nowMs) call.giveUp(lateError(why ?? undefined));
      else next = Math.min(next, call.deadlineMs);
    };
    for (const link of this.#links) for (const call of link.calls()) look(call);
    for (const call of this.#backlog.list()) look(call);
    this.#backlog.dropSettled();
    return next;
  }

  #forgetEnded(): void {
    for (const link of this.#links) if (link.ended) this.#links.delete(link);
  }
}
