import type http from 'node:http';
import { lies, truthOf } from './lies.ts';

export type Origin =
  | 'hf'
  | 'cdn'
  | 'npm'
  | 'pytorch'
  | 'github'
  | 'tfhub'
  | 'kaggle'
  | 'modelscope'
  | 'oci'
  | 'pypi';

/** A lie that an origin tells `times` times to requests whose path matches. */
export interface Fault {
  readonly on: Origin;
  readonly match?: string;
  readonly times?: number;
  readonly kind:
    | 'status'
    | 'flip'
    | 'zeros'
    | 'empty'
    | 'cut'
    | 'cut-end'
    | 'short'
    | 'short-length'
    | 'extra'
    | 'endless'
    | 'change'
    | 'html'
    | 'xml'
    | 'json'
    | 'pointer'
    | 'ignore-range'
    | 'wrong-range'
    | 'range-200'
    | 'unnamed-range'
    | 'short-range'
    | 'multipart'
    | 'no-total'
    | 'wrong-total'
    | 'unsatisfied'
    | 'header'
    | 'no-length'
    | 'gzip'
    | 'vast-head'
    | 'reset'
    | 'hangup'
    | 'garbage'
    | 'mute'
    | 'stall'
    | 'slow'
    | 'loop'
    | 'loop-absolute'
    | 'maze'
    | 'nowhere'
    | 'redirect';
  readonly status?: number;
  /** null takes a header away. */
  readonly headers?: Readonly<Record<string, string | null>>;
  readonly to?: string;
  /** With `status`: what is said. */
  readonly body?: string;
}

type Handler = () => void;

export class Faults {
  readonly #list: { readonly fault: Fault; left: number }[] = [];

  add(fault: Fault): void {
    this.#list.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY });
  }

  clear(): void {
    this.#list.length = 0;
  }

  /** Tells the first lie that fits, or lets the handler answer. */
  apply(
    on: Origin,
    request: http.IncomingMessage,
    response: http.ServerResponse,
    handler: Handler,
  ): void {
    const path = request.url ?? '/';
    const found = this.#list.find(
      ({ fault, left }) => left > 0 && fault.on === on && new RegExp(fault.match ?? '.').test(path),
    );
    if (found === undefined) {
      handler();
      return;
    }
    found.left -= 1;
    lies[found.fault.kind]({
      fault: found.fault,
      request,
      response,
      truth: () => truthOf(response, handler),
    });
  }
}
