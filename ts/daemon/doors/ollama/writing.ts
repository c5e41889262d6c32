import type { RequestContext } from '../../request-context.ts';
import { type Fields, flagOf } from '../text/fields.ts';
import type { ApiReply } from '../text/text-api.ts';
import type { GeneratedText, ModelFacts, TaskCall, TextModels } from '../text/text-models.ts';
import { tokenBytes } from '../text/token-bytes.ts';
import { keepAliveOf } from './keep-alive.ts';
import { modelOf } from './names.ts';
import { load, unload, unloadBehind } from './residence.ts';
import { statistics } from './timing.ts';

/** What a piece of an answer says; the whole one, too. */
export type Said = Pick<GeneratedText, 'text' | 'thinking' | 'tool_calls'>;

/** What chats and texts differ in. */
export interface Writing {
  readonly body: Fields;
  /** Nothing is to be written: the request is for the model to be loaded, or unloaded. */
  readonly isEmpty: boolean;
  /** Errors: those of requests that this model cannot do. */
  call(model: ModelFacts): TaskCall;
  /** What was said in the form of the answer. */
  said(said: Said): Fields;
}

function logprobsOf(list: GeneratedText['logprobs']): Fields {
  if (list === undefined || list.length === 0) return {};
  return {
    logprobs: list.map(({ top, ...one }) => ({
      ...{ ...one, bytes: tokenBytes(one) },
      top_logprobs: top.map((other) => ({ ...other, bytes: tokenBytes(other) })),
    })),
  };
}

function reasonOf({ finish_reason: reason }: GeneratedText): string {
  return reason === 'length' ? reason : 'stop';
}

/** Runs /api/chat and /api/generate. */
export function write(models: TextModels, writing: Writing, context: RequestContext): ApiReply {
  const { body } = writing;
  const { name, id } = modelOf(body);
  const keepAlive = keepAliveOf(body);
  const unloads = keepAlive === 0;
  const streams = flagOf(body, 'stream') !== false;
  const line = (said: Said, more: Fields) => ({
    ...{ model: name, created_at: new Date().toISOString() },
    ...writing.said(said),
    ...more,
  });
  if (writing.isEmpty) {
    return {
      async whole() {
        await (unloads ? unload(models, id, context) : load(models, id, context, keepAlive));
        return line({ text: '' }, { done: true, done_reason: unloads ? 'unload' : 'load' });
      },
    };
  }

  async function begin() {
    const start = performance.now();
    const facts = await load(models, id, context, keepAlive);
    const loaded = performance.now();
    const told = models.tell(writing.call(facts), context);
    await told.begun;
    return { told, times: { start, loaded, first: performance.now() } };
  }
  type Begun = Awaited<ReturnType<typeof begin>>;
  const last = (said: Said, { times }: Begun, answer: GeneratedText) =>
    line(said, { done: true, done_reason: reasonOf(answer), ...statistics(times, answer) });

  if (!streams) {
    return {
      async whole() {
        const begun = await begin();
        const answer = (await begun.told.result) as GeneratedText;
        const whole = { ...last(answer, begun, answer), ...logprobsOf(answer.logprobs) };
        if (unloads) await unloadBehind(models, id, context);
        return whole;
      },
    };
  }

  const beginning = begin();
  async function* lines() {
    const begun = await beginning;
    let told = 0;
    for await (const { text, thinking, logprobs } of begun.told.events()) {
      told += logprobs.length;
      if (text === '' && thinking === '') continue;
      yield line({ text, thinking }, { done: false, ...logprobsOf(logprobs) });
    }
    const answer = (await begun.told.result) as GeneratedText;
    const { tool_calls: calls = [] } = answer;
    if (calls.length > 0) yield line({ text: '', tool_calls: calls }, { done: false });
    // Of tokens that were held back, such as those of a stop text.
    const rest = logprobsOf(answer.logprobs?.slice(told));
    yield { ...last({ text: '' }, begun, answer), ...rest };
    if (unloads) await unloadBehind(models, id, context);
  }
  return { begun: beginning.then(() => undefined), events: lines };
}
