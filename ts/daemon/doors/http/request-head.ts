/**
 * What the door needs of a request's head, filled by either adapter header by header. Counting here,
 * and not in the adapters, makes both refuse the same heads.
 */
export class RequestHead {
  readonly verb: string;
  /** Raw path: percent-encoding untouched, so that `%2F` in a model id is told from a slash. */
  readonly path: string;
  /** Raw query without the question mark. */
  readonly query: string;
  host = '';
  origin = '';
  contentType = '';
  contentEncoding = '';
  accept = '';
  acceptEncoding = '';
  prefer = '';
  /** Bytes of JSON before the tensors, as the Open Inference Protocol's clients announce them. */
  inferenceHeaderLength = '';
  contentLength = 0;
  chunked = false;
  /** A header twice that may stand once: proxies and servers disagree on which counts, so none does. */
  twice: 'Host' | 'Content-Length' | null = null;
  #hasLength = false;
  bytes: number;

  constructor(verb: string, path: string, query: string) {
    this.verb = verb;
    this.path = path;
    this.query = query;
    this.bytes = verb.length + path.length + query.length + 12;
  }

  /** `name` in lower case. */
  add(name: string, value: string): void {
    this.bytes += name.length + value.length + 4;
    switch (name) {
      case 'host':
        if (this.host !== '') this.twice = 'Host';
        this.host = value;
        break;
      case 'origin':
        this.origin = value;
        break;
      case 'content-type':
        this.contentType = value;
        break;
      case 'content-encoding':
        this.contentEncoding = value;
        break;
      case 'accept':
        this.accept = value;
        break;
      case 'accept-encoding':
        this.acceptEncoding = value;
        break;
      case 'prefer':
        this.prefer = this.prefer === '' ? value : `${this.prefer}, ${value}`;
        break;
      case 'inference-header-content-length':
        this.inferenceHeaderLength = value;
        break;
      case 'content-length':
        if (this.#hasLength && this.contentLength !== Number(value)) this.twice = 'Content-Length';
        this.#hasLength = true;
        this.contentLength = Number(value);
        break;
      case 'transfer-encoding':
        this.chunked = true;
        break;
      default:
    }
  }

  get hasBody(): boolean {
    return this.chunked || this.contentLength > 0;
  }
}
