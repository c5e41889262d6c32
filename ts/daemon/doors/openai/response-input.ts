import { type Fields, given, invalid, unsupported } from '../text/fields.ts';

/*
 * What a response is asked about: a text, or items. Messages and tools become those of a chat, which is what
 * the models know.
 */
function partOf(part: unknown): unknown {
  const { type, text } = (part ?? {}) as Fields;
  // What a model has said before; whoever reads messages knows texts by one name.
  return type === 'output_text' ? { type: 'text', text } : part;
}

function messageOf({ role, content }: Fields): Fields {
  return {
    // Templates of chats know instructions by their older name.
    role: role === 'developer' ? 'system' : role,
    content: Array.isArray(content) ? content.map(partOf) : content,
  };
}

function callOf({ call_id: id, name, arguments: values }: Fields): Fields {
  return { id, type: 'function', function: { name, arguments: values } };
}

/** Calls that stand side by side are one message's. */
function addCall(messages: Fields[], item: Fields): void {
  const last = messages.at(-1);
  const calls = last?.['role'] === 'assistant' ? (last['tool_calls'] as Fields[] | undefined) : [];
  if (last?.['role'] === 'assistant') {
    messages[messages.length - 1] = { ...last, tool_calls: [...(calls ?? []), callOf(item)] };
    return;
  }
  messages.push({ role: 'assistant', content: null, tool_calls: [callOf(item)] });
}

function addItem(messages: Fields[], item: unknown, index: number): void {
  const fields = (item ?? {}) as Fields;
  const type = fields['type'] ?? 'message';
  if (type === 'message') messages.push(messageOf(fields));
  else if (type === 'function_call') addCall(messages, fields);
  else if (type === 'function_call_output') {
    const { call_id: id, output } = fields;
    const content = Array.isArray(output) ? output.map(partOf) : output;
    messages.push({ role: 'tool', tool_call_id: id, content });
  } else if (type !== 'reasoning') {
    // What a model thought before is not told to it again.
    throw unsupported(
      `input[${index}]`,
      `items of the type ${JSON.stringify(type).slice(0, 64)} are not read; send messages, function_call and function_call_output.`,
    );
  }
}

/** The conversation. Errors: INVALID_ARGUMENT, UNIMPLEMENTED. */
export function messagesOf(body: Fields): readonly Fields[] {
  const { input } = body;
  const instructions = given(body['instructions']);
  if (instructions !== undefined && typeof instructions !== 'string') {
    throw invalid('instructions', 'a text');
  }
  const messages: Fields[] =
    instructions === undefined ? [] : [{ role: 'system', content: instructions }];
  if (typeof input === 'string') messages.push({ role: 'user', content: input });
  else if (Array.isArray(input))
    for (const [at, item] of input.entries()) addItem(messages, item, at);
  else throw invalid('input', 'a text or a list of messages');
  return messages;
}

/** Tools in the form of chats. Errors: INVALID_ARGUMENT, UNIMPLEMENTED. */
export function chatToolsOf(body: Fields): unknown {
  const tools = given(body['tools']);
  if (tools === undefined) return undefined;
  if (!Array.isArray(tools)) throw invalid('tools', 'a list of functions');
  if (tools.length === 0) return undefined;
  return tools.map((tool, index) => {
    const { type, name, description, parameters } = (tool ?? {}) as Fields;
    if (type !== 'function') {
      throw unsupported(`tools[${index}]`, 'only tools of the type "function" can be had.');
    }
    const about = { name, description: given(description), parameters: given(parameters) };
    return {
      type,
      function: Object.fromEntries(
        Object.entries(about).filter(([, value]) => value !== undefined),
      ),
    };
  });
}

/** What would need answers that are kept, or a service behind them. Errors: UNIMPLEMENTED. */
export function refuseKept(body: Fields): void {
  const reasons = {
    previous_response_id: 'answers are not kept; send what was said before as input.',
    conversation: 'conversations are not kept; send what was said before as input.',
    prompt: 'there are no stored prompts; send instructions and input.',
  };
  for (const [param, why] of Object.entries(reasons)) {
    if (given(body[param]) !== undefined) throw unsupported(param, why);
  }
  if (body['background'] === true) {
    throw unsupported('background', 'answers are not kept; stay, or ask with stream.');
  }
  if (body['truncation'] === 'auto') {
    throw unsupported('truncation', 'what is too long for the model is refused, not cut.');
  }
}
