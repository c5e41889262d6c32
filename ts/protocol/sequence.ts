import { MlosError } from './errors.ts';
import { limits } from './limits.ts';

/** Which sequence of a stateful model a request belongs to. */
export interface SequenceMark {
  /** The client's own choice; a number is its decimal text. */
  readonly id: string;
  /** Begins at the initial state, whatever the sequence's state was. */
  readonly start: boolean;
  /** Frees the state afterwards. */
  readonly end: boolean;
}

/** The same as a caller gives it. */
export interface SequenceChoice {
  /** 1 to 128 bytes of UTF-8, or a whole number, which is the same as its decimal text. */
  readonly id: string | number;
  readonly start?: boolean | undefined;
  readonly end?: boolean | undefined;
}

/** Errors: INVALID_ARGUMENT. */
export function sequenceMark({ id, start = false, end = false }: SequenceChoice): SequenceMark {
  const isNumber = Number.isSafeInteger(id) && (id as number) >= 0;
  const text = isNumber || typeof id === 'string' ? String(id) : '';
  const bytes = Buffer.byteLength(text);
  if (bytes >= 1 && bytes <= limits.sequenceIdBytes) return { id: text, start, end };
  throw new MlosError(
    'INVALID_ARGUMENT',
    `sequence.id ${typeof id === 'string' ? `has ${bytes} bytes` : `is ${String(id)}`}; ` +
      `expected a text of 1 to ${limits.sequenceIdBytes} bytes, or a whole number.`,
  );
}
