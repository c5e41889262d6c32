import { randomUUID } from 'node:crypto';
import type { GenerationEvent } from '../../../protocol/tasks/generation-event.ts';
import type { RequestContext } from '../../request-context.ts';
import { type Fields, flagOf, given, invalid, unsupported } from '../text/fields.ts';
import type { ApiReply } from '../text/text-api.ts';
import type { GeneratedText, TaskCall, TextModels } from '../text/text-models.ts';
import { toolsOf } from '../text/tools.ts';
import { logprobContent } from './logprobs.ts';
import { choicesOf, modelOf, samplingOf, seedOf, thinkOf, wantsUsage } from './read-request.ts';
import { askAll, tellAll } from './side-by-side.ts';
import { toolUse } from './tool-choice.ts';
import { usageOf } from './usage.ts';

/** What would change the answer, and cannot be had. */
function refuseUnknown(body: Fields): void {
  for (const param of ['functions', 'function_call', 'prediction', 'audio', 'web_search_options']) {
    if (given(body[param]) !== undefined) throw unsupported(param, 'this cannot be had here.');
  }
  const modalities = [given(body['modalities']) ?? 'text'].flat();
  if (modalities.some((one) => one !== 'text')) {
    throw unsupported('modalities', 'models here write text only.');
  }
  if (given(body['top_logprobs']) !== undefined && body['logprobs'] !== true) {
    throw invalid('top_logprobs', 'left out without "logprobs": true');
  }
}

function callOf(body: Fields): TaskCall {
  const { messages } = body;
  if (!Array.isArray(messages)) throw invalid('messages', 'a list of {"role", "content"}');
  refuseUnknown(body);
  const logprobs = flagOf(body, 'logprobs') === true;
  return {
    model: modelOf(body),
    task: 'text-generation',
    inputs: { messages },
    parameters: {
      ...samplingOf(body),
      ...toolUse(body, toolsOf(body)),
      think: thinkOf('reasoning_effort', body['reasoning_effort']),
      ...(logprobs ? { logprobs, top_logprobs: given(body['top_logprobs']) } : {}),
    },
  };
}

function toolCalls({ tool_calls: calls = [] }: GeneratedText) {
  return calls.map(({ name, arguments: given }, index) => ({
    index,
    id: `call_${randomUUID().replaceAll('-', '').slice(0, 24)}`,
    type: 'function',
    function: { name, arguments: typeof given === 'string' ? given : JSON.stringify(given) },
  }));
}

function logprobsOf(list: GeneratedText['logprobs']) {
  if (list === undefined || list.length === 0) return null;
  return { content: logprobContent(list), refusal: null };
}

function messageOf(answer: GeneratedText) {
  const calls = toolCalls(answer).map(({ index: _, ...call }) => call);
  return {
    role: 'assistant',
    content: calls.length > 0 && answer.text === '' ? null : answer.text,
    refusal: null,
    ...(answer.thinking ? { reasoning_content: answer.thinking } : {}),
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
  };
}

/** POST /v1/chat/completions. */
export function chatCompletion(
  models: TextModels,
  body: Fields,
  context: RequestContext,
): ApiReply {
  const call = callOf(body);
  const seeds = Array.from({ length: choicesOf(body) }, (_, choice) => choice);
  const calls = seeds.map((choice) => ({ ...call, parameters: seedOf(call.parameters, choice) }));
  const facts = {
    id: `chatcmpl-${randomUUID().replaceAll('-', '')}`,
    created: Math.floor(Date.now() / 1000),
    model: call.model,
    system_fingerprint: null,
  };
  const usage = wantsUsage(body);
  if (flagOf(body, 'stream') === true) return streamed(models, calls, { facts, usage, context });
  return {
    async whole() {
      const answers = await askAll(models, calls, context);
      return {
        ...{ ...facts, object: 'chat.completion' },
        choices: answers.map((answer, index) => ({
          ...{ index, message: messageOf(answer), logprobs: logprobsOf(answer.logprobs) },
          finish_reason: answer.finish_reason,
        })),
        usage: usageOf(answers),
      };
    },
  };
}

function streamed(
  models: TextModels,
  calls: readonly TaskCall[],
  around: { readonly facts: Fields; readonly usage: boolean; readonly context: RequestContext },
): ApiReply {
  const { facts, usage, context } = around;
  const texts = tellAll(models, calls, context);
  const head = { ...facts, object: 'chat.completion.chunk' };
  const chunk = (index: number, delta: Fields, more: Fields = {}) => ({
    ...head,
    choices: [{ index, delta, logprobs: null, finish_reason: null, ...more }],
  });
  /** So many log probabilities were told of each choice. */
  const told = calls.map(() => 0);
  function* piece(index: number, event: GenerationEvent) {
    const { text, thinking, logprobs } = event;
    told[index] = (told[index] ?? 0) + logprobs.length;
    const chances = { logprobs: logprobsOf(logprobs) };
    if (thinking !== '') {
      yield chunk(index, { reasoning_content: thinking }, text === '' ? chances : {});
    }
    if (text !== '') yield chunk(index, { content: text }, chances);
  }
  function* end(index: number, answer: GeneratedText) {
    const made = toolCalls(answer);
    if (made.length > 0) yield chunk(index, { tool_calls: made });
    // Of tokens that were held back, such as those of a stop text.
    const rest = logprobsOf(answer.logprobs?.slice(told[index]));
    yield chunk(index, {}, { logprobs: rest, finish_reason: answer.finish_reason });
  }
  async function* chunks() {
    for (const index of calls.keys()) yield chunk(index, { role: 'assistant', content: '' });
    const answers: GeneratedText[] = [];
    for await (const news of texts.news()) {
      if ('done' in news) answers.push(news.done);
      yield* 'done' in news ? end(news.index, news.done) : piece(news.index, news.event);
    }
    if (usage) {
      yield { ...head, choices: [], usage: usageOf(answers) };
    }
  }
  return { begun: texts.begun, events: chunks };
}
