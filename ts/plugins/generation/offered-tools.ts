type Fields = Readonly<Record<string, unknown>>;

export interface OfferedTool {
  readonly name: string;
  /** The JSON Schema of its arguments. */
  readonly parameters: Fields;
}

/** The tools of a request, in the form of OpenAI's API. */
export function offeredTools(tools: unknown): OfferedTool[] {
  if (!Array.isArray(tools)) return [];
  return tools.flatMap((tool: unknown) => {
    const { function: called } = (tool ?? {}) as { readonly function?: Fields };
    const { name, parameters } = called ?? {};
    if (typeof name !== 'string') return [];
    return { name, parameters: (parameters ?? { type: 'object' }) as Fields };
  });
}
