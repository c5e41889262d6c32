import type { RequestContext } from '../../request-context.ts';
import { type Fields, given, invalid } from '../text/fields.ts';
import type { ApiReply } from '../text/text-api.ts';
import type { TextModels } from '../text/text-models.ts';
import { toolsOf } from '../text/tools.ts';
import { modelOf } from './names.ts';
import { samplingOf } from './parameters.ts';
import { type Said, write } from './writing.ts';

/** Ollama says which tool a result is of by its name. What is no message is refused where it is read. */
function messageOf(message: unknown): unknown {
  const { tool_name: tool, ...rest } = (message ?? {}) as Fields;
  return given(tool) === undefined ? message : { ...rest, name: tool };
}

function argumentsOf(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    // The model has written no JSON, and whoever calls the tool must see what it wrote.
    return value;
  }
}

function said({ text, thinking, tool_calls: calls = [] }: Said): Fields {
  return {
    message: {
      ...{ role: 'assistant', content: text },
      ...(thinking ? { thinking } : {}),
      ...(calls.length === 0
        ? {}
        : {
            tool_calls: calls.map(({ name, arguments: values }, index) => ({
              function: { index, name, arguments: argumentsOf(values) },
            })),
          }),
    },
  };
}

/** POST /api/chat. */
export function chat(models: TextModels, body: Fields, context: RequestContext): ApiReply {
  const { id } = modelOf(body);
  const messages = given(body['messages']) ?? [];
  if (!Array.isArray(messages)) throw invalid('messages', 'a list of {"role", "content"}');
  const parameters = { ...samplingOf(body), tools: toolsOf(body) };
  const call = {
    ...{ model: id, task: 'text-generation' as const },
    ...{ inputs: { messages: messages.map(messageOf) }, parameters },
  };
  return write(models, { body, isEmpty: messages.length === 0, call: () => call, said }, context);
}
