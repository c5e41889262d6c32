import { MlosError } from '../../protocol/errors.ts';
import type { AttachFacts, AttachParams } from './attach-facts.ts';
import { bytesOfSlots, type RequestShape } from './channel-request.ts';

/** An output's size is known only when it does not fit: then this much more is asked for. */
const outputGrowth = 4;

/** How much shared memory to ask the daemon for: at first what the caller says, then what is needed. */
export class ArenaSizes {
  readonly #params: AttachParams;
  readonly #maxBytes: number;
  #inputBytes: number | undefined;
  #outputBytes: number | undefined;

  /** `maxBytes`: of one arena. */
  constructor(params: AttachParams, maxBytes: number) {
    this.#params = params;
    this.#maxBytes = maxBytes;
    this.#inputBytes = params.input_bytes;
    this.#outputBytes = params.output_bytes;
  }

  get params(): AttachParams {
    return {
      ...this.#params,
      ...(this.#inputBytes === undefined ? {} : { input_bytes: this.#inputBytes }),
      ...(this.#outputBytes === undefined ? {} : { output_bytes: this.#outputBytes }),
    };
  }

  /** Whether the arena of such a channel could hold the request if it were empty. */
  hasRoom(facts: AttachFacts, shape: RequestShape): boolean {
    return bytesOfSlots(shape.slots) <= facts.inputBytes;
  }

  /**
   * Asks for an arena that also holds this request.
   * Errors: PAYLOAD_TOO_LARGE at the limit.
   */
  growInputs(facts: AttachFacts, shape: RequestShape): void {
    const need = bytesOfSlots(shape.slots);
    const now = facts.inputBytes;
    if (need > this.#maxBytes || now >= this.#maxBytes) {
      throw new MlosError(
        'PAYLOAD_TOO_LARGE',
        `The inputs need ${need} bytes of shared memory, and the ${now} there are cannot grow ` +
          `beyond ${this.#maxBytes}. Close other requests, or attach with a larger maxArenaBytes.`,
        { details: { need, limit: this.#maxBytes } },
      );
    }
    this.#inputBytes = Math.min(Math.max(need, now * 2), this.#maxBytes);
  }

  /** Asks for more room for outputs: for twice the inputs at least. False at the limit. */
  growOutputs(facts: AttachFacts, shape: RequestShape): boolean {
    if (facts.outputBytes >= this.#maxBytes) return false;
    const guess = Math.max(facts.outputBytes * outputGrowth, 2 * bytesOfSlots(shape.slots));
    this.#outputBytes = Math.min(guess, this.#maxBytes);
    return true;
  }
}
