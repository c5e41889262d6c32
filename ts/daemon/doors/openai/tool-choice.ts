import { type Fields, given, invalid } from '../text/fields.ts';

const right = '"auto", "none", "required" or {"type": "function", …} with the name of a tool';

/** Of tools in the form of chats. */
function nameOf(tool: unknown): unknown {
  return ((tool ?? {}) as { readonly function?: Fields }).function?.['name'];
}

/** The tool that `tool_choice` names, in the form of chats or that of responses. Errors: INVALID_ARGUMENT. */
function chosen(choice: Fields, tools: unknown): readonly unknown[] {
  const name = choice['type'] === 'function' ? (choice['name'] ?? nameOf(choice)) : undefined;
  const found = Array.isArray(tools) ? tools.filter((tool) => nameOf(tool) === name) : [];
  if (typeof name === 'string' && found.length > 0) return found;
  throw invalid('tool_choice', right);
}

/** What `tools` and `tool_choice` come to, as parameters of text-generation. Errors: INVALID_ARGUMENT. */
export function toolUse(body: Fields, tools: unknown): Fields {
  const choice = given(body['tool_choice']) ?? 'auto';
  if (choice === 'none') return {};
  if (choice === 'auto') return { tools };
  if (choice === 'required') return { tools, tool_choice: 'required' };
  if (typeof choice !== 'object') throw invalid('tool_choice', right);
  return { tools: chosen(choice as Fields, tools), tool_choice: 'required' };
}
