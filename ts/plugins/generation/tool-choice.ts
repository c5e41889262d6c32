import { MlosError } from '../../protocol/errors.ts';

type Fields = Readonly<Record<string, unknown>>;

interface Tool {
  readonly name: string;
  /** The JSON Schema of its arguments. */
  readonly parameters: Fields;
}

function invalid(message: string): MlosError {
  return new MlosError('INVALID_ARGUMENT', message);
}

/** Those that were offered, in the form of OpenAI's API. */
function offered(tools: unknown): Tool[] {
  if (!Array.isArray(tools)) return [];
  return tools.flatMap((tool: unknown) => {
    const { function: called } = (tool ?? {}) as { readonly function?: Fields };
    const { name, parameters } = called ?? {};
    if (typeof name !== 'string') return [];
    return { name, parameters: (parameters ?? { type: 'object' }) as Fields };
  });
}

/** A schema's own definitions are for the whole answer's. */
function withoutDefs({ parameters: { $defs: _, ...schema } }: Tool): Fields {
  return schema;
}

function defsOf(tools: readonly Tool[]): Fields {
  const all: Record<string, unknown> = {};
  for (const { name, parameters } of tools) {
    for (const [key, value] of Object.entries((parameters['$defs'] ?? {}) as Fields)) {
      if (Object.hasOwn(all, key))
        throw invalid(
          `Two tools have $defs of the name ${JSON.stringify(key)}; the second is ${name}.`,
        );
      all[key] = value;
    }
  }
  return all;
}

/**
 * The JSON Schema of an answer that calls a tool and says nothing else; null where nothing has to be called.
 * Errors: INVALID_ARGUMENT, UNIMPLEMENTED.
 */
export function forcedCall({ tool_choice: choice, tools, response_schema }: Fields): Fields | null {
  if (choice === undefined) return null;
  if (response_schema !== undefined) {
    throw new MlosError('UNIMPLEMENTED', 'tool_choice and response_schema cannot both be kept.');
  }
  const all = offered(tools);
  if (all.length === 0)
    throw invalid('tool_choice wants a tool to be called, and none is offered.');
  const calls = all.map((tool) => ({
    type: 'object',
    properties: { name: { const: tool.name }, arguments: withoutDefs(tool) },
  }));
  return { anyOf: calls, $defs: defsOf(all) };
}
