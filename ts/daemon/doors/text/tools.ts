import { type Fields, given, invalid } from './fields.ts';

function isTool(tool: unknown): boolean {
  const { type, function: called } = (tool ?? {}) as { type?: unknown; function?: Fields | null };
  return type === 'function' && typeof called?.['name'] === 'string';
}

/** `tools`, which all APIs that have messages write in one form. Errors: INVALID_ARGUMENT. */
export function toolsOf(body: Fields): unknown {
  const tools = given(body['tools']);
  if (tools === undefined || (Array.isArray(tools) && tools.every(isTool))) return tools;
  throw invalid('tools', 'a list of {"type": "function", "function": {"name", …}}');
}
