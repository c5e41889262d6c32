import { MlosError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { ByteBudget } from '../byte-budget.ts';
import { BodyCollector, bodyTooLarge } from './body.ts';
import { answerCoding, CodedRequest, requestCoding } from './content-coding.ts';
import { HostCheck, type HostCheckOptions } from './host-check.ts';
import type { RequestHead } from './request-head.ts';
import type { Admitted, HeaderLines, HttpAnswer, Surface } from './surface.ts';

/** Headers beside the simple ones that a web page of an allowed origin may send and read. */
const corsHeaderNames = 'content-type, inference-header-content-length';

/**
 * What both adapters share: everything but moving bytes. A request goes through `admit` when its head is
 * there, and what that gives runs it when its body is. Neither makes a promise unless the operation does,
 * so a health check is answered within the library's own callback.
 */
export class HttpHandler {
  readonly #surfaces: readonly Surface[];
  readonly #rest: Surface;
  readonly #hosts: HostCheck;
  readonly #bodies = new ByteBudget(limits.httpBodiesBytes);

  constructor(
    options: HostCheckOptions & {
      /** In the order in which they are asked. */
      readonly surfaces: readonly Surface[];
      /** Has what none of them owns. */
      readonly rest: Surface;
    },
  ) {
    this.#hosts = new HostCheck(options);
    this.#surfaces = options.surfaces;
    this.#rest = options.rest;
  }

  /** Decides from the head alone: a final answer (`status`), or what runs the request. */
  admit(head: RequestHead): HttpAnswer | Admitted {
    const surface = this.#surfaceOf(head.path);
    try {
      this.#check(head);
      if (head.verb === 'OPTIONS') return optionsAnswer(head, surface);
      return this.#coded(head, surface.admit(head));
    } catch (thrown) {
      return surface.refuse(MlosError.from(thrown));
    }
  }

  /** For the body of one request. */
  collector({ maxBodyBytes }: Admitted, announced: number): BodyCollector {
    return new BodyCollector(maxBodyBytes, this.#bodies, announced);
  }

  /** Headers for web pages of a configured origin; null for everybody else. */
  corsHeaders(origin: string): HeaderLines | null {
    if (origin === '' || !this.#hosts.allowsOrigin(origin)) return null;
    return [
      ['access-control-allow-origin', origin],
      ['access-control-expose-headers', corsHeaderNames],
      ['vary', 'Origin'],
    ];
  }

  #surfaceOf(path: string): Surface {
    return this.#surfaces.find((surface) => surface.owns(path)) ?? this.#rest;
  }

  #check(head: RequestHead): void {
    if (head.bytes > limits.httpHeaderBytes) {
      throw new MlosError(
        'HEADERS_TOO_LARGE',
        `The request head is larger than ${limits.httpHeaderBytes} bytes.`,
      );
    }
    const refusal = this.#hosts.refuse(head);
    if (refusal !== null) throw refusal;
  }

  #coded(head: RequestHead, admitted: Admitted): Admitted {
    const { maxBodyBytes } = admitted;
    if (head.contentLength > maxBodyBytes) throw bodyTooLarge(head.contentLength, maxBodyBytes);
    const request = head.hasBody ? requestCoding(head) : null;
    const answer = admitted.compresses ? answerCoding(head.acceptEncoding) : null;
    if (request === null && answer === null) return admitted;
    return new CodedRequest(admitted, { request, answer }, () => this.collector(admitted, 0));
  }
}

function optionsAnswer(head: RequestHead, surface: Surface): HttpAnswer {
  const allow = surface.allow(head.path);
  const headers: [string, string][] = [['allow', allow.join(', ')]];
  if (head.origin !== '') {
    headers.push(
      ['access-control-allow-methods', allow.join(', ')],
      ['access-control-allow-headers', corsHeaderNames],
    );
  }
  const body = JSON.stringify({ status: 'success', allow });
  return { status: 200, contentType: 'application/json', body, headers };
}
