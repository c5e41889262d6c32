import { MlosError } from '../../../protocol/errors.ts';
import type { PluginTaskRequest } from '../../../smi/serve.ts';
import type { Tokenizer } from '../tasks/library.ts';
import type { PackageFacts } from '../tasks/package-facts.ts';
import type { DecoderPool } from './decoder-pool.ts';
import { generate } from './generate.ts';
import { promptTokens } from './prompt.ts';
import { contextOf, generationSettings } from './settings.ts';

type Fields = Readonly<Record<string, unknown>>;

/** What this plugin cannot do yet is refused, not left out. */
function refuseUnknown(parameters: Fields): void {
  const cannot = ['response_schema', 'suffix'].find((name) => parameters[name] !== undefined);
  if (cannot === undefined) return;
  throw new MlosError('UNIMPLEMENTED', `ONNX models cannot do ${cannot}; leave it out.`);
}

function contextFor(facts: PackageFacts, parameters: Fields): number {
  const wanted = parameters['context_length'] as number | undefined;
  const most = contextOf(facts);
  return Math.min(most, wanted ?? most);
}

function endOf(tokenizer: Tokenizer): number | null {
  const { eos_token_id: end } = tokenizer as unknown as { eos_token_id?: number | null };
  return typeof end === 'number' ? end : null;
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
  const prompt = promptTokens(tokenizer, inputs, parameters);
  const settings = generationSettings(parameters, facts, {
    tokens: prompt.length,
    context: contextFor(facts, parameters),
    tokenizerEnd: endOf(tokenizer),
  });
  const decode = (tokens: readonly number[]) =>
    tokens.length === 0 ? '' : tokenizer.decode([...tokens], { skip_special_tokens: true });
  const written = await pool.use(signal, (decoder) =>
    generate(decoder, prompt, settings, {
      ...{ signal, deadlineUs, priority, decode },
      say: ({ text, tokens, logprobs }) => {
        request.emit({ text, tokens, ...(logprobs.length === 0 ? {} : { logprobs }) });
      },
    }),
  );
  return {
    text: written.text,
    finish_reason: written.finishReason,
    prompt_tokens: prompt.length,
    completion_tokens: written.tokens,
    ...(written.logprobs === null ? {} : { logprobs: written.logprobs }),
  };
}
