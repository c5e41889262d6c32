import { MlosError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { mediaBytes } from './media-input.ts';

/** One message of a conversation, in the form that chat templates take. Pictures are bytes. */
export interface ChatMessage {
  readonly role: string;
  /** Empty where nothing is said: templates read a text. */
  readonly content: string;
  readonly images?: readonly Uint8Array[];
  readonly name?: string;
  readonly tool_calls?: readonly unknown[];
  readonly tool_call_id?: string;
}

type Fields = Readonly<Record<string, unknown>>;

function invalid(label: string, right: string): MlosError {
  return new MlosError('INVALID_VALUE', `${label} must be ${right}.`);
}

/** Content in parts, as OpenAI's clients send it: texts are joined, pictures kept beside. */
function readParts(label: string, parts: readonly unknown[]) {
  const texts: string[] = [];
  const images: Uint8Array[] = [];
  for (const [index, part] of parts.entries()) {
    const at = `${label}[${index}]`;
    const { type, text, image_url: image } = (part ?? {}) as Fields;
    if ((type === 'text' || type === 'input_text') && typeof text === 'string') texts.push(text);
    else if (type === 'image_url' || type === 'input_image') {
      const url = typeof image === 'string' ? image : (image as Fields | undefined)?.['url'];
      images.push(mediaBytes(`${at}.image_url`, url));
    } else throw invalid(at, '{"type": "text", "text"} or {"type": "image_url", "image_url"}');
  }
  return { content: texts.join('\n'), images };
}

/** Clients send what a function was called with as a text of JSON; templates write the values themselves. */
function callOf(call: unknown): unknown {
  const { function: called, ...more } = (call ?? {}) as { readonly function?: Fields };
  const values = called?.['arguments'];
  if (typeof values !== 'string') return call;
  try {
    return { ...more, function: { ...called, arguments: JSON.parse(values) } };
  } catch {
    return call;
  }
}

function readMessage(label: string, value: unknown): ChatMessage {
  if (typeof value !== 'object' || value === null) throw invalid(label, '{"role", "content"}');
  const { role, name, images, tool_calls, tool_call_id } = value as Fields;
  const content = (value as Fields)['content'] ?? '';
  if (typeof role !== 'string' || role === '' || role.length > 64) {
    throw invalid(`${label}.role`, 'a word such as system, user or assistant');
  }
  const more = {
    ...(typeof name === 'string' ? { name } : {}),
    ...(Array.isArray(tool_calls) ? { tool_calls: tool_calls.map(callOf) } : {}),
    ...(typeof tool_call_id === 'string' ? { tool_call_id } : {}),
  };
  if (Array.isArray(content)) {
    const parts = readParts(`${label}.content`, content);
    return {
      role,
      content: parts.content,
      ...(parts.images.length > 0 ? { images: parts.images } : {}),
      ...more,
    };
  }
  if (typeof content !== 'string') {
    throw invalid(`${label}.content`, 'a text or a list of parts');
  }
  const pictures = Array.isArray(images)
    ? images.map((image, index) => mediaBytes(`${label}.images[${index}]`, image))
    : [];
  return { role, content, ...(pictures.length > 0 ? { images: pictures } : {}), ...more };
}

/** Errors: INVALID_VALUE, PAYLOAD_TOO_LARGE. */
export function readMessages(label: string, value: unknown): ChatMessage[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw invalid(label, 'a list of {"role", "content"}');
  }
  if (value.length > limits.taskMessages) {
    throw new MlosError(
      'PAYLOAD_TOO_LARGE',
      `${label} has ${value.length} messages; the limit is ${limits.taskMessages}.`,
    );
  }
  return value.map((message, index) => readMessage(`${label}[${index}]`, message));
}
