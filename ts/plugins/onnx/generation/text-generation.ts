import { MlosError } from '../../../protocol/errors.ts';
import type { PluginTaskRequest } from '../../../smi/serve.ts';
import { Answer } from '../../generation/answer.ts';
import { generate } from '../../generation/generate.ts';
import { readPrompt, refusedOf } from '../../generation/prompt.ts';
import { generationSettings } from '../../generation/settings.ts';
import type { Tokenizer } from '../tasks/library.ts';
import type { PackageFacts } from '../tasks/package-facts.ts';
import { contextOf } from './context-length.ts';
import { textDecoder } from './decode-text.ts';
import type { DecoderPool } from './decoder-pool.ts';
import { endTokens } from './end-tokens.ts';
import { promptTools } from './prompt-tools.ts';

type Fields = Readonly<Record<string, unknown>>;

const unknown = ['response_schema', 'suffix', 'tool_choice'];

/** Parameters that a model takes none of. `template`: its chat template; null: it has none. */
export function refusedBy(template: string | null): readonly string[] {
  return [...unknown, ...refusedOf(template)];
}

/** What this plugin cannot do yet is refused, not left out. */
function refuseUnknown(parameters: Fields): void {
  const cannot = unknown.find((name) => parameters[name] !== undefined);
  if (cannot === undefined) return;
  throw new MlosError('UNIMPLEMENTED', `ONNX models cannot do ${cannot}; leave it out.`);
}

function contextFor(facts: PackageFacts, parameters: Fields): number {
  const wanted = parameters['context_length'] as number | undefined;
  const most = contextOf(facts);
  return Math.min(most, wanted ?? most);
}

/** The task text-generation of one model. */
export async function generateText(
  request: PluginTaskRequest,
  parts: {
    readonly pool: DecoderPool;
    readonly facts: PackageFacts;
    readonly tokenizer: Tokenizer;
  },
): Promise<Record<string, unknown>> {
  const { pool, facts, tokenizer } = parts;
  const { inputs, parameters, signal, deadlineUs, priority } = request;
  refuseUnknown(parameters);
  const { tokens: prompt, form } = readPrompt(promptTools(tokenizer), inputs, parameters);
  const model = {
    packaged: facts.generation,
    ends: endTokens(facts, tokenizer),
    context: contextFor(facts, parameters),
  };
  const settings = generationSettings(parameters, model, {
    ...{ tokens: prompt.length, isConversation: form !== null },
  });
  const decode = textDecoder(tokenizer);
  const run = { signal, deadlineUs, priority };
  const answer = new Answer(request.emit, form);
  const written = await pool.use(signal, (decoder) =>
    generate(prompt, settings, {
      ...{ signal, decode, say: answer.say },
      read: (tokens) => decoder.read(tokens, run),
    }),
  );
  return answer.end(written, prompt.length);
}
