import { randomUUID } from 'node:crypto';
import { MlosError } from '../../../protocol/errors.ts';
import type { RequestContext } from '../../request-context.ts';
import { type Fields, flagOf, given, objectOf } from '../text/fields.ts';
import type { ApiReply } from '../text/text-api.ts';
import type { GeneratedText, TaskCall, TextModels } from '../text/text-models.ts';
import { modelOf, samplingOf, thinkOf } from './read-request.ts';
import { chatToolsOf, messagesOf, refuseKept } from './response-input.ts';
import { ResponseOutput } from './response-output.ts';
import { openaiError } from './status.ts';
import { toolUse } from './tool-choice.ts';

function formatOf(body: Fields): unknown {
  return objectOf(body, 'text')['format'];
}

function wantsLogprobs({ include }: Fields): boolean {
  return Array.isArray(include) && include.includes('message.output_text.logprobs');
}

function callOf(body: Fields): TaskCall {
  const { max_output_tokens: tokens } = body;
  const { effort } = objectOf(body, 'reasoning');
  return {
    ...{ model: modelOf(body), task: 'text-generation', inputs: { messages: messagesOf(body) } },
    parameters: {
      ...samplingOf({ ...body, max_completion_tokens: tokens }, 'text.format', formatOf(body)),
      ...toolUse(body, chatToolsOf(body)),
      think: thinkOf('reasoning.effort', effort),
      ...(wantsLogprobs(body) ? { logprobs: true, top_logprobs: given(body['top_logprobs']) } : {}),
    },
  };
}

function usageOf({ prompt_tokens: input, completion_tokens: output }: GeneratedText): Fields {
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: output,
    // Which of them were thoughts is not counted apart.
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: input + output,
  };
}

/** A response in all its states: what was asked for stands in it. */
function draftOf(body: Fields): Fields {
  const echoed = ['instructions', 'max_output_tokens', 'temperature', 'top_p', 'user'];
  return {
    ...{ id: `resp_${randomUUID().replaceAll('-', '')}`, object: 'response' },
    ...{ created_at: Math.floor(Date.now() / 1000), model: modelOf(body) },
    ...Object.fromEntries(echoed.map((name) => [name, given(body[name]) ?? null])),
    ...{ error: null, incomplete_details: null, usage: null, output: [] },
    metadata: given(body['metadata']) ?? {},
    parallel_tool_calls: given(body['parallel_tool_calls']) ?? true,
    previous_response_id: null,
    reasoning: given(body['reasoning']) ?? { effort: null, summary: null },
    // Nothing is kept, whatever was asked for.
    store: false,
    text: given(body['text']) ?? { format: { type: 'text' } },
    tool_choice: given(body['tool_choice']) ?? 'auto',
    tools: given(body['tools']) ?? [],
    truncation: 'disabled',
  };
}

function finished(draft: Fields, answer: GeneratedText, { items }: ResponseOutput): Fields {
  const isCut = answer.finish_reason === 'length';
  return {
    ...draft,
    status: isCut ? 'incomplete' : 'completed',
    ...(isCut ? { incomplete_details: { reason: 'max_output_tokens' } } : {}),
    output: items,
    usage: usageOf(answer),
  };
}

/** POST /v1/responses. */
export function response(models: TextModels, body: Fields, context: RequestContext): ApiReply {
  refuseKept(body);
  const call = callOf(body);
  const draft = draftOf(body);
  const output = new ResponseOutput();
  if (flagOf(body, 'stream') === true) return streamed(models, call, { draft, output, context });
  return {
    async whole() {
      const answer = (await models.ask(call, context)) as GeneratedText;
      // The events are for who listens.
      for (const _ of output.thinking(answer.thinking ?? ''));
      for (const _ of output.text(answer.text, answer.logprobs));
      for (const _ of output.end(answer));
      return finished(draft, answer, output);
    },
  };
}

function streamed(
  models: TextModels,
  call: TaskCall,
  around: { readonly draft: Fields; readonly output: ResponseOutput; context: RequestContext },
): ApiReply {
  const { draft, output, context } = around;
  const told = models.tell(call, context);
  async function* steps(): AsyncGenerator<Fields, void, void> {
    const begun = { ...draft, status: 'in_progress' };
    yield { type: 'response.created', response: begun };
    yield { type: 'response.in_progress', response: begun };
    for await (const { text, thinking, logprobs } of told.events()) {
      yield* output.thinking(thinking);
      yield* output.text(text, logprobs);
    }
    const answer = (await told.result) as GeneratedText;
    yield* output.end(answer);
    const whole = finished(draft, answer, output);
    yield { type: `response.${whole['status']}`, response: whole };
  }
  async function* events(): AsyncGenerator<Fields, void, void> {
    let sequence_number = 0;
    try {
      for await (const { type, ...step } of steps()) {
        yield { type, sequence_number, ...step };
        sequence_number += 1;
      }
    } catch (thrown) {
      // A fault of the daemon is its log's, too.
      if (!(thrown instanceof MlosError)) throw thrown;
      const { error } = openaiError(thrown);
      const failed = { ...draft, status: 'failed', error, output: output.items };
      yield { type: 'response.failed', sequence_number, response: failed };
    }
  }
  return { begun: told.begun, events, isTyped: true };
}
