import { MlosError } from '../../protocol/errors.ts';
import { type OfferedTool, offeredTools } from './offered-tools.ts';

type Fields = Readonly<Record<string, unknown>>;

function invalid(message: string): MlosError {
  return new MlosError('INVALID_ARGUMENT', message);
}

/** A schema's own definitions are for the whole answer's. */
function withoutDefs({ parameters: { $defs: _, ...schema } }: OfferedTool): Fields {
  return schema;
}

function defsOf(tools: readonly OfferedTool[]): Fields {
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
  const all = offeredTools(tools);
  if (all.length === 0)
    throw invalid('tool_choice wants a tool to be called, and none is offered.');
  const calls = all.map((tool) => ({
    type: 'object',
    properties: { name: { const: tool.name }, arguments: withoutDefs(tool) },
  }));
  return { anyOf: calls, $defs: defsOf(all) };
}
