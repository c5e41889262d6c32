/** When what happened, in ms of one clock. */
export interface Times {
  readonly start: number;
  readonly loaded: number;
  /** The first token was there. */
  readonly first: number;
}

/** A duration as Ollama counts it. */
export function nanoseconds(from: number, to: number): number {
  return Math.round((to - from) * 1e6);
}

/** What stands in the last object of an answer. */
export function statistics(
  { start, loaded, first }: Times,
  tokens: { readonly prompt_tokens: number; readonly completion_tokens: number },
) {
  const end = performance.now();
  return {
    total_duration: nanoseconds(start, end),
    load_duration: nanoseconds(start, loaded),
    prompt_eval_count: tokens.prompt_tokens,
    prompt_eval_duration: nanoseconds(loaded, first),
    eval_count: tokens.completion_tokens,
    eval_duration: nanoseconds(first, end),
  };
}
