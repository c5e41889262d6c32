import { MlosError } from '../../../protocol/errors.ts';
import type { MethodSpec } from '../../../protocol/methods/method.ts';
import type { RequestHead } from './request-head.ts';

/** How a body is read: as JSON, as it is, or as multipart/form-data. */
export type BodyForm = 'json' | 'bytes' | 'form';

const mediaType = /^(?:(?:image|audio)\/|application\/octet-stream\b)/;
const formType = /^multipart\/form-data\b/;
/** Types that are certainly not JSON. `curl -d` sends x-www-form-urlencoded, which is let through. */
const foreignType =
  /^(?:multipart|image|audio|video|font)\/|^application\/(?:octet-stream|zip|gzip|x-gzip|x-tar|zstd|msgpack|x-msgpack|vnd\.msgpack|protobuf|x-protobuf|grpc|pdf|xml|yaml|x-yaml)\b/;
const charset = /;\s*charset\s*=\s*"?([^";\s]+)/;

/** Throws UNSUPPORTED_MEDIA_TYPE where the body cannot be JSON in UTF-8. */
export function checkMediaType(head: RequestHead): void {
  if (head.contentType === '') return;
  const type = head.contentType.toLowerCase();
  if (foreignType.test(type)) {
    throw unsupported(`Content-Type ${JSON.stringify(type)}`, 'send application/json');
  }
  const set = charset.exec(type)?.[1];
  if (set !== undefined && !['utf-8', 'utf8', 'us-ascii'].includes(set)) {
    throw unsupported(`charset ${JSON.stringify(set)}`, 'send UTF-8');
  }
}

/** What the head says that the body is. Throws UNSUPPORTED_MEDIA_TYPE where the operation cannot read that. */
export function bodyFormOf({ http }: MethodSpec, head: RequestHead): BodyForm {
  if (http.bytes !== undefined) {
    if (head.hasBody) checkBytesType(head);
    return 'bytes';
  }
  const type = head.contentType.toLowerCase();
  if (http.media !== undefined && mediaType.test(type)) return 'bytes';
  if (http.media !== undefined && formType.test(type)) return 'form';
  if (head.hasBody) checkMediaType(head);
  return 'json';
}

/** For what is only a form. Throws UNSUPPORTED_MEDIA_TYPE. */
export function checkFormType({ contentType }: RequestHead): void {
  if (formType.test(contentType.toLowerCase())) return;
  throw unsupported(`Content-Type ${JSON.stringify(contentType)}`, 'send multipart/form-data');
}

/** For an operation whose body is bytes: anything that says to be something else is a mistake. */
export function checkBytesType(head: RequestHead): void {
  const encoding = head.contentEncoding.trim().toLowerCase();
  if (encoding !== '' && encoding !== 'identity') {
    throw unsupported(`Content-Encoding ${JSON.stringify(encoding)}`, 'send the bytes as they are');
  }
  const type = head.contentType.toLowerCase();
  if (type !== '' && !/^application\/octet-stream\b/.test(type)) {
    throw unsupported(`Content-Type ${JSON.stringify(type)}`, 'send application/octet-stream');
  }
}

function unsupported(what: string, advice: string): MlosError {
  return new MlosError('UNSUPPORTED_MEDIA_TYPE', `${what} is not read here; ${advice}.`);
}
