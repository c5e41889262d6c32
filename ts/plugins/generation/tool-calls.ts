import type { OfferedTool } from './offered-tools.ts';

type Fields = Readonly<Record<string, unknown>>;

export interface ToolCall {
  readonly name: string;
  readonly arguments: Fields;
}

/** Null: it is no call of a tool that was offered. */
export function callsOf(text: string, tools: readonly OfferedTool[]): ToolCall[] | null {
  const tagged = taggedCall(text, tools);
  if (tagged !== null) return [tagged];
  try {
    const read = [JSON.parse(text) as unknown].flat() as unknown[];
    const calls = read.map((one) => callOf(one, tools));
    return calls.length > 0 && calls.every((call) => call !== null) ? calls : null;
  } catch {
    return null;
  }
}

function callOf(value: unknown, tools: readonly OfferedTool[]): ToolCall | null {
  if (typeof value !== 'object' || value === null) return null;
  const { name, arguments: given, parameters } = value as Fields;
  const values = objectIn(given ?? parameters ?? {});
  if (!tools.some((tool) => tool.name === name)) return null;
  if (typeof values !== 'object' || values === null || Array.isArray(values)) return null;
  return { name: name as string, arguments: values as Fields };
}

/** Some models write the values as a text of JSON. */
function objectIn(values: unknown): unknown {
  return typeof values === 'string' ? (JSON.parse(values) as unknown) : values;
}

/** As Qwen3-Coder's chat template has it. */
const functionForm = /^\s*<function=([^>\n]+)>([\s\S]*)<\/function>\s*$/;
const parameterForm = /<parameter=([^>\n]+)>\n?([\s\S]*?)\n?<\/parameter>/g;

function taggedCall(text: string, tools: readonly OfferedTool[]): ToolCall | null {
  const [, name = '', inner = ''] = functionForm.exec(text) ?? [];
  const tool = tools.find((one) => one.name === name);
  if (tool === undefined || inner.replace(parameterForm, '').trim() !== '') return null;
  const types = (tool.parameters['properties'] ?? {}) as Readonly<Record<string, Fields>>;
  const values = [...inner.matchAll(parameterForm)].map(([, key = '', value = '']) => {
    return [key, types[key]?.['type'] === 'string' ? value : valueIn(value)] as const;
  });
  return { name, arguments: Object.fromEntries(values) };
}

/** What is no JSON is a text. */
function valueIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
