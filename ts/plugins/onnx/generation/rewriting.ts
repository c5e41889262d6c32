import type { InferInput } from '../../../client/tensor-wire.ts';
import type { PluginTaskRequest } from '../../../smi/serve.ts';
import { Answer } from '../../generation/answer.ts';
import { generate } from '../../generation/generate.ts';
import { generationSettings } from '../../generation/settings.ts';
import type { LibraryTensor, Tokenizer } from '../tasks/library.ts';
import { contextOf, readableOf } from './context-length.ts';
import { textDecoder } from './decode-text.ts';
import type { EncoderDecoder } from './encoder-decoder.ts';
import { endTokens } from './end-tokens.ts';

/** What the decoder begins with: its start, and the token that the package has first. */
function beginning({ start, facts }: EncoderDecoder): number[] {
  const forced = facts.generation['forced_bos_token_id'] ?? facts.config['forced_bos_token_id'];
  return [start, ...(Number.isInteger(forced) ? [forced as number] : [])];
}

/** The task text2text-generation. */
export async function rewriteText(
  { inputs, parameters, signal, deadlineUs, priority, emit }: PluginTaskRequest,
  model: EncoderDecoder,
  tokenizer: Tokenizer,
): Promise<Record<string, unknown>> {
  const { facts } = model;
  const run = { signal, deadlineUs, priority };
  const read = await tokenizer(inputs['text'] as string, {
    ...{ truncation: true, padding: false },
    max_length: readableOf(facts),
  });
  const { input_ids: ids } = read as { readonly input_ids: LibraryTensor };
  const prompt = beginning(model);
  const about = {
    ...{ packaged: facts.generation, context: contextOf(facts) },
    ends: endTokens(facts, tokenizer),
  };
  const settings = generationSettings(parameters, about, {
    ...{ tokens: prompt.length, isConversation: false },
  });
  const shape = [...ids.dims];
  const tokens: InferInput = { dtype: 'int64', shape, data: ids.data as BigInt64Array };
  const mask: InferInput = {
    ...{ dtype: 'int64', shape },
    data: new BigInt64Array(ids.data.length).fill(1n),
  };
  const encoded = await model.encode({ input_ids: tokens }, mask, run);
  const decode = textDecoder(tokenizer);
  const answer = new Answer(emit, null);
  const written = await model.decode(encoded, signal, (decoder) =>
    generate(prompt, settings, {
      ...{ signal, decode, say: answer.say },
      read: (part) => decoder.read(part, run),
    }),
  );
  return answer.end(written, ids.dims.at(-1) ?? 0);
}
