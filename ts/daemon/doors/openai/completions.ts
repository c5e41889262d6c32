import { randomUUID } from 'node:crypto';
import type { RequestContext } from '../../request-context.ts';
import { type Fields, flagOf, given, invalid, unsupported } from '../text/fields.ts';
import type { ApiReply } from '../text/text-api.ts';
import type { GeneratedText, TaskCall, TextModels } from '../text/text-models.ts';
import { choicesOf, modelOf, samplingOf, seedOf, textsOf, wantsUsage } from './read-request.ts';
import { askAll, tellAll } from './side-by-side.ts';

/** OpenAI's own default; a base model hardly ever ends by itself. */
const defaultTokens = 16;

function refuseUnknown(body: Fields): void {
  if (flagOf(body, 'echo') === true && given(body['logprobs']) !== undefined) {
    throw unsupported('echo', 'log probabilities are those of what is written, not of the prompt.');
  }
  const { best_of: best, n } = body;
  if (given(best) !== undefined && best !== (n ?? 1)) {
    throw unsupported('best_of', 'only as many texts as are answered (n) are written.');
  }
}

function callsOf(body: Fields): { readonly call: TaskCall; readonly prompt: string }[] {
  refuseUnknown(body);
  const logprobs = given(body['logprobs']);
  if (logprobs !== undefined && !Number.isInteger(logprobs)) {
    throw invalid('logprobs', 'a whole number: so many of the likeliest tokens are told');
  }
  const sampling = samplingOf(body);
  const parameters = {
    ...sampling,
    max_tokens: sampling['max_tokens'] ?? defaultTokens,
    suffix: given(body['suffix']),
    ...(logprobs === undefined ? {} : { logprobs: true, top_logprobs: logprobs }),
  };
  const model = modelOf(body);
  const choices = Array.from({ length: choicesOf(body) }, (_, choice) => choice);
  return textsOf('prompt', body['prompt']).flatMap((prompt) =>
    choices.map((choice) => ({
      prompt,
      call: {
        ...{ model, task: 'text-generation' as const, inputs: { text: prompt } },
        parameters: seedOf(parameters, choice),
      },
    })),
  );
}

/** The older form of log probabilities. */
function logprobsOf(list: GeneratedText['logprobs'], from = 0) {
  if (list === undefined || list.length === 0) return null;
  let offset = from;
  const offsets = list.map(({ token }) => {
    const at = offset;
    offset += token.length;
    return at;
  });
  return {
    tokens: list.map(({ token }) => token),
    token_logprobs: list.map(({ logprob }) => logprob),
    // The chosen one is among them, whether it is one of the likeliest or not.
    top_logprobs: list.map((chosen) =>
      Object.fromEntries([...chosen.top, chosen].map(({ token, logprob }) => [token, logprob])),
    ),
    text_offset: offsets,
  };
}

/** Prompts are read once for each of their choices, but count once. */
function usageOf(answers: readonly GeneratedText[], choices: number) {
  const sum = (pick: (one: GeneratedText) => number) =>
    answers.reduce((all, one) => all + pick(one), 0);
  const prompt = sum((one) => one.prompt_tokens) / choices;
  const completion = sum((one) => one.completion_tokens);
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
  };
}

/** POST /v1/completions. */
export function completion(models: TextModels, body: Fields, context: RequestContext): ApiReply {
  const calls = callsOf(body);
  const asked = calls.map(({ call }) => call);
  const echo = (index: number) => (body['echo'] === true ? (calls[index]?.prompt ?? '') : '');
  const head = {
    id: `cmpl-${randomUUID().replaceAll('-', '')}`,
    object: 'text_completion',
    created: Math.floor(Date.now() / 1000),
    model: modelOf(body),
  };
  const choice = (index: number, text: string, more: Fields) => ({
    ...{ index, text, logprobs: null, finish_reason: null },
    ...more,
  });
  const usage = wantsUsage(body);
  if (flagOf(body, 'stream') !== true) {
    return {
      async whole() {
        const answers = await askAll(models, asked, context);
        return {
          ...head,
          choices: answers.map((answer, index) =>
            choice(index, echo(index) + answer.text, {
              logprobs: logprobsOf(answer.logprobs, echo(index).length),
              finish_reason: answer.finish_reason,
            }),
          ),
          usage: usageOf(answers, choicesOf(body)),
        };
      },
    };
  }
  const texts = tellAll(models, asked, context);
  async function* events() {
    for (const index of calls.keys()) {
      if (echo(index) !== '') yield { ...head, choices: [choice(index, echo(index), {})] };
    }
    const answers: GeneratedText[] = [];
    /** So many log probabilities were told of each choice. */
    const told = calls.map(() => 0);
    /** And they stand for a text of this length, behind the prompt where that is said, too. */
    const offsets = calls.map((_, index) => echo(index).length);
    const next = (index: number, list: GeneratedText['logprobs']) => {
      const logprobs = logprobsOf(list, offsets[index]);
      const length = (list ?? []).reduce((sum, { token }) => sum + token.length, 0);
      offsets[index] = (offsets[index] ?? 0) + length;
      return logprobs;
    };
    for await (const news of texts.news()) {
      const { index } = news;
      if ('event' in news) {
        told[index] = (told[index] ?? 0) + news.event.logprobs.length;
        const more = { logprobs: next(index, news.event.logprobs) };
        yield { ...head, choices: [choice(index, news.event.text, more)] };
        continue;
      }
      answers.push(news.done);
      // Of tokens that were held back, such as those of a stop text.
      const rest = next(index, news.done.logprobs?.slice(told[index]));
      const end = { logprobs: rest, finish_reason: news.done.finish_reason };
      yield { ...head, choices: [choice(index, '', end)] };
    }
    if (usage) {
      yield { ...head, choices: [], usage: usageOf(answers, choicesOf(body)) };
    }
  }
  return { begun: texts.begun, events };
}
