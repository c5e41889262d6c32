import type { Logger } from 'pino';
import { MlosError } from '../../../protocol/errors.ts';
import {
  readGenerationEvent,
  wireGenerationEvent,
} from '../../../protocol/tasks/generation-event.ts';
import type { Dispatcher } from '../../dispatcher.ts';
import { type AnswerFiles, type Caller, RequestContext } from '../../request-context.ts';
import type { AnswerWriter } from './answer-writer.ts';
import {
  decodeCancel,
  decodeRequest,
  encodeEvent,
  isCancel,
  type RequestId,
  ResultEncoder,
} from './codec.ts';
import { errorFrame } from './error.ts';
import type { ReceivedFiles } from './received-files.ts';

/** A whole frame, with the descriptors that came with it. */
export interface ArrivedFrame {
  readonly payload: Buffer;
  readonly files: ReceivedFiles | null;
}

/** A request that is not answered yet. */
interface UnderWay {
  readonly id: RequestId;
  /** The descriptors that it came with. */
  readonly files: ReceivedFiles | null;
}

/** Runs the requests of one client and writes their answers as they are ready. */
export class Requests {
  readonly #dispatcher: Dispatcher;
  readonly #logger: Logger;
  readonly #writer: AnswerWriter;
  readonly #onAnswered: () => void;
  readonly #encoder = new ResultEncoder();
  readonly #underWay = new Map<RequestContext, UnderWay>();

  constructor(options: {
    readonly dispatcher: Dispatcher;
    readonly logger: Logger;
    readonly writer: AnswerWriter;
    /** After each answer that did not come at once. */
    readonly onAnswered: () => void;
  }) {
    this.#dispatcher = options.dispatcher;
    this.#logger = options.logger;
    this.#writer = options.writer;
    this.#onAnswered = options.onAnswered;
  }

  get underWay(): number {
    return this.#underWay.size;
  }

  /** Takes over the frame's descriptors. Throws INVALID_FRAME where it is no request, and cancels none. */
  run({ payload, files }: ArrivedFrame, caller: Caller | null): void {
    let isPending = false;
    try {
      if (isCancel(payload)) {
        this.#cancel(decodeCancel(payload));
        return;
      }
      const request = decodeRequest(payload);
      const context = new RequestContext('ipc', { caller, files });
      if (request.wantsEvents) this.#tell(request.id, context);
      let result: unknown;
      try {
        if (files !== null && files.refusal !== null) throw files.refusal;
        result = this.#dispatcher.call(request.method, request.params, context);
      } catch (thrown) {
        this.#fail(request.id, thrown, context);
        return;
      }
      if (result instanceof Promise) {
        isPending = true;
        this.#answerLater(request.id, result, context);
      } else this.#answer(request.id, result, context);
    } finally {
      if (!isPending) files?.close();
    }
  }

  /** The client is gone, or nothing more can be said to it. */
  abortAll(): void {
    const underWay = [...this.#underWay];
    this.#underWay.clear();
    for (const [context, { files }] of underWay) {
      context.abort();
      files?.close();
    }
  }

  /** The request ends where it can be ended, and is answered all the same. One that is answered is none any more. */
  #cancel(id: RequestId): void {
    for (const [context, request] of this.#underWay) if (request.id === id) context.abort();
  }

  /** An answer that belongs to no request that was run. */
  refuse(id: RequestId | null, error: MlosError): void {
    this.#writer.write(errorFrame(id, error, { logger: this.#logger }));
  }

  #answer(id: RequestId, result: unknown, context: RequestContext): void {
    let buffers: readonly Buffer[];
    try {
      if (context.hasLostFiles) throw new MlosError('CANCELLED', 'The request was cancelled.');
      buffers = this.#encoder.encode(id, result);
    } catch (thrown) {
      this.#fail(id, thrown, context);
      return;
    }
    this.#writer.write(buffers, context.takeAnswerFiles());
  }

  /** Events go out as they come: a client that lets them pile up is cut as with answers. */
  #tell(id: RequestId, context: RequestContext): void {
    context.listen((event) => {
      if (!this.#underWay.has(context)) return;
      this.#writer.write(encodeEvent(id, wireGenerationEvent(readGenerationEvent(event))));
    });
  }

  #fail(id: RequestId, thrown: unknown, context: RequestContext): void {
    const files: AnswerFiles | null = context.takeAnswerFiles();
    files?.release();
    this.#writer.write(errorFrame(id, thrown, { logger: this.#logger, context }));
  }

  #answerLater(id: RequestId, result: Promise<unknown>, context: RequestContext): void {
    this.#underWay.set(context, { id, files: context.files as ReceivedFiles | null });
    const settle = (answer: () => void): void => {
      const request = this.#underWay.get(context);
      // Of a client that is gone: its files are closed and released.
      if (!this.#underWay.delete(context)) return;
      request?.files?.close();
      answer();
    };
    result.then(
      (value) => {
        settle(() => this.#answer(id, value, context));
        this.#onAnswered();
      },
      (thrown: unknown) => {
        settle(() => this.#fail(id, thrown, context));
        this.#onAnswered();
      },
    );
  }
}
