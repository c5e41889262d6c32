import { type Fields, given, invalid } from '../text/fields.ts';

/** `tool_choice`, in the forms of chats and of responses: a word, or the name of a function. */
function wordOf(choice: unknown): string {
  if (typeof choice === 'string') return choice;
  const { type, name, function: called } = choice as Fields;
  const found =
    type === 'function' ? (name ?? (called as Fields | undefined)?.['name']) : undefined;
  if (typeof found === 'string') return found;
  throw invalid('tool_choice', '"auto", "none", "required" or {"type": "function", …}');
}

/** What `tools` and `tool_choice` come to, as parameters of text-generation. Errors: INVALID_ARGUMENT. */
export function toolUse(body: Fields, tools: unknown): Fields {
  const choice = wordOf(given(body['tool_choice']) ?? 'auto');
  if (choice === 'none') return {};
  return choice === 'auto' ? { tools } : { tools, tool_choice: choice };
}
