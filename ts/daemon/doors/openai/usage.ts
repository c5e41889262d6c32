import type { GeneratedText } from '../text/text-models.ts';

/** Of several answers to one prompt. */
export function usageOf(answers: readonly GeneratedText[]) {
  const prompt = answers[0]?.prompt_tokens ?? 0;
  const completion = answers.reduce((sum, { completion_tokens }) => sum + completion_tokens, 0);
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
  };
}
