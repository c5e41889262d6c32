import { MlosError } from '../../../protocol/errors.ts';
import { normalized, wireVector } from '../../vectors.ts';
import { pooledOutputs, textVectors, vectorsOf } from './embedding-outputs.ts';
import type { PackageFacts, Pooling } from './package-facts.ts';
import { inBatches, type TaskContext } from './task-context.ts';

/** What is done where neither the package nor the request says; the task's facts tell it. */
export const defaultPooling: Pooling = 'mean';

/** `output`: the one that the embedding is made of. */
export function poolingFacts(facts: PackageFacts, output: string | undefined) {
  const { pooling, normalizes, maxTokens } = facts;
  const isPooled = pooledOutputs.some((name) => name === output);
  return {
    output,
    ...(isPooled
      ? { pooling: 'model' }
      : {
          pooling: pooling ?? defaultPooling,
          pooling_from: pooling === null ? 'default' : 'package',
        }),
    normalize: normalizes,
    ...(maxTokens === null ? {} : { max_tokens: maxTokens }),
  };
}

function pool(tokens: Float32Array, width: number, mask: readonly boolean[], how: Pooling) {
  const kept = mask.flatMap((is, at) => (is ? [at] : []));
  const row = (at: number) => tokens.subarray(at * width, (at + 1) * width);
  if (how === 'cls') return row(0).slice();
  if (how === 'last_token') return row(kept.at(-1) ?? 0).slice();
  const sum = new Float64Array(width).fill(how === 'max' ? Number.NEGATIVE_INFINITY : 0);
  for (const at of kept) {
    const vector = row(at);
    for (let i = 0; i < width; i += 1) {
      const value = vector[i] as number;
      sum[i] = how === 'max' ? Math.max(sum[i] as number, value) : (sum[i] as number) + value;
    }
  }
  return Float32Array.from(sum, (value) =>
    how === 'max' ? value : value / Math.max(1, kept.length),
  );
}

export async function extractFeatures(context: TaskContext): Promise<unknown> {
  const { facts, model, request } = context;
  const { parameters } = request;
  const tokenizer = await context.tokenizer();
  const pooling = (parameters['pooling'] as Pooling | undefined) ?? facts.pooling ?? defaultPooling;
  const normalize = parameters['normalize'] ?? facts.normalizes;
  const dimensions = parameters['dimensions'] as number | undefined;

  const finish = (vector: Float32Array): Float32Array => {
    const width = vector.length;
    if (dimensions !== undefined && dimensions > width) {
      throw new MlosError(
        'INVALID_ARGUMENT',
        `The model gives ${width} dimensions, not ${dimensions}.`,
      );
    }
    const cut = dimensions === undefined ? vector : vector.slice(0, dimensions);
    return normalize === true ? normalized(cut) : cut;
  };

  const run = async (texts: string[]) => {
    const max = facts.maxTokens === null ? {} : { max_length: facts.maxTokens };
    const truncation = parameters['truncate'] !== false;
    const encoded = await tokenizer(texts, { padding: true, truncation, ...max });
    refuseLong(tokenizer.model_max_length, facts.maxTokens, encoded.input_ids.dims[1] ?? 0);
    const { data, dims } = vectorsOf(await model(encoded), textVectors);
    const width = dims.at(-1) ?? 0;
    const length = encoded.attention_mask.dims[1] ?? 0;
    return texts.map((_, row) => {
      const mask = Array.from({ length }, (_unused, at) => {
        return encoded.attention_mask.data[row * length + at] !== 0n;
      });
      const tokens = mask.filter(Boolean).length;
      if (dims.length === 2) {
        const vector = finish(data.slice(row * width, (row + 1) * width));
        return { embedding: wireVector(vector, [vector.length]), tokens };
      }
      const rows = data.subarray(row * length * width, (row + 1) * length * width);
      if (pooling === 'none') {
        const kept = mask.flatMap((is, at) =>
          is ? [finish(rows.slice(at * width, (at + 1) * width))] : [],
        );
        const flat = new Float32Array(kept.reduce((sum, vector) => sum + vector.length, 0));
        for (const [at, vector] of kept.entries()) flat.set(vector, at * vector.length);
        return { embedding: wireVector(flat, [kept.length, kept[0]?.length ?? 0]), tokens };
      }
      const vector = finish(pool(rows, width, mask, pooling));
      return { embedding: wireVector(vector, [vector.length]), tokens };
    });
  };
  return inBatches(request.inputs['text'] as string | string[], parameters['batch_size'], run);
}

function refuseLong(modelMax: unknown, packageMax: number | null, length: number): void {
  const max = packageMax ?? (typeof modelMax === 'number' ? modelMax : Number.POSITIVE_INFINITY);
  if (length <= max) return;
  throw new MlosError(
    'INVALID_ARGUMENT',
    `The text has ${length} tokens; the model reads ${max}. With truncate: true it is cut.`,
  );
}
