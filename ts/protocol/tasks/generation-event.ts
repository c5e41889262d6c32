/**
 * What a task that writes says before its answer: the text that came since the last event. A text's characters
 * are never cut, and the events' texts together are the result's text.
 */
export interface GenerationEvent {
  readonly text: string;
  /** Tokens since the last event. */
  readonly tokens: number;
  readonly logprobs: readonly TokenLogprob[];
  /** What it thought, for models that think aloud; beside the text, not in it. */
  readonly thinking: string;
}

interface RatedToken {
  readonly token: string;
  readonly logprob: number;
  /** Of a token that is no whole text: a part of a character. The bytes of all others are those of `token`. */
  readonly bytes?: readonly number[];
}

export interface TokenLogprob extends RatedToken {
  readonly top: readonly RatedToken[];
}

/** Reads an event; what is not there is empty. */
export function readGenerationEvent(event: Readonly<Record<string, unknown>>): GenerationEvent {
  const { text, tokens, logprobs, thinking } = event;
  return {
    text: typeof text === 'string' ? text : '',
    tokens: typeof tokens === 'number' ? tokens : 0,
    logprobs: Array.isArray(logprobs) ? (logprobs as TokenLogprob[]) : [],
    thinking: typeof thinking === 'string' ? thinking : '',
  };
}

/** Two events in a row as one. */
export function joinGenerationEvents(one: GenerationEvent, next: GenerationEvent): GenerationEvent {
  return {
    text: one.text + next.text,
    tokens: one.tokens + next.tokens,
    logprobs: next.logprobs.length === 0 ? one.logprobs : [...one.logprobs, ...next.logprobs],
    thinking: one.thinking + next.thinking,
  };
}

/** An event as clients get it: what is empty is left out, but the text. */
export function wireGenerationEvent({
  text,
  tokens,
  logprobs,
  thinking,
}: GenerationEvent): Readonly<Record<string, unknown>> {
  return {
    ...{ text, tokens },
    ...(logprobs.length === 0 ? {} : { logprobs }),
    ...(thinking === '' ? {} : { thinking }),
  };
}
