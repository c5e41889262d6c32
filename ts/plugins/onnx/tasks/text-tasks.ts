import { MlosError } from '../../../protocol/errors.ts';
import { textsAtOnce } from '../../text-length.ts';
import type { Tokenizer } from './library.ts';
import { best, topKOf } from './scored.ts';
import { inBatches, type TaskContext } from './task-context.ts';

/*
 * Tasks that read texts, by the library's own pipelines: the labels, the order and the numbers are the
 * field's. Only the form of the results is ours.
 */
type Scored = { readonly label: string; readonly score: number };
// biome-ignore lint/suspicious/noExplicitAny: the library's pipelines are typed for its own models.
type Anything = any;

function texts({ request }: TaskContext): string | string[] {
  return request.inputs['text'] as string | string[];
}

export async function classifyText(context: TaskContext): Promise<unknown> {
  const { library, model, request } = context;
  const tokenizer = await context.tokenizer();
  const pair = request.inputs['text_pair'];
  if (pair !== undefined && Array.isArray(texts(context))) {
    throw new MlosError('INVALID_ARGUMENT', 'A text_pair belongs to one text, not to a list.');
  }
  const encode = (given: Anything, options: object) =>
    tokenizer(given, {
      ...options,
      ...(pair === undefined ? {} : { text_pair: [pair] as Anything }),
    });
  const task = 'text-classification';
  const pipeline: Anything = new library.TextClassificationPipeline({
    ...({ task, model, tokenizer: encode } as Anything),
  });
  const k = topKOf(context);
  const run = async (batch: string[]) => {
    // Of one the library makes a flat list; of two or more a list for each text.
    const rows: Scored[][] = await pipeline(batch, { top_k: Math.max(2, k) });
    return rows.map((labels) => ({ labels: best(labels, k) }));
  };
  return inBatches(texts(context), request.parameters['batch_size'], run);
}

export async function classifyTokens(context: TaskContext): Promise<unknown> {
  const { library, model, request } = context;
  const tokenizer = await context.tokenizer();
  const { ignore_labels = ['O'], aggregation = 'simple', batch_size } = request.parameters;
  const pipeline: Anything = new library.TokenClassificationPipeline({
    ...({ task: 'token-classification', model, tokenizer } as Anything),
  });
  const run = async (batch: string[]) => {
    const options = { ignore_labels, aggregation_strategy: aggregation };
    const rows: Anything[][] = await pipeline(batch, options);
    return rows.map((entities) => ({
      entities: entities.map(({ entity, entity_group, score, word }) => {
        return { label: entity_group ?? entity, score, text: word };
      }),
    }));
  };
  return inBatches(texts(context), batch_size, run);
}

/** Tokens that the model reads; more are cut off by the library. */
function readableBy({ facts }: TaskContext, tokenizer: Tokenizer): number {
  const { model_max_length: most } = tokenizer as { readonly model_max_length?: unknown };
  return facts.maxTokens ?? (typeof most === 'number' ? most : Number.POSITIVE_INFINITY);
}

/** Errors: INVALID_VALUE for a gap that lies behind what the model reads. */
function refuseCutGaps(context: TaskContext, tokenizer: Tokenizer): void {
  const { mask_token_id: gap } = tokenizer as { readonly mask_token_id?: number };
  const most = readableBy(context, tokenizer);
  for (const text of [texts(context)].flat()) {
    const tokens = tokenizer.encode(text);
    // The last one is a token that ends the text.
    if (tokens.length <= most || tokens.slice(0, most - 1).includes(gap ?? -1)) continue;
    throw new MlosError(
      'INVALID_VALUE',
      `The gap lies behind the ${most} tokens that the model reads; the text has ${tokens.length}.`,
    );
  }
}

export async function fillMask(context: TaskContext): Promise<unknown> {
  const { library, model, request } = context;
  const tokenizer = await context.tokenizer();
  const mask = (tokenizer as Anything).mask_token as string | undefined;
  for (const text of [texts(context)].flat()) {
    if (mask !== undefined && text.includes(mask)) continue;
    throw new MlosError('INVALID_VALUE', `The text has no gap; write ${mask} where it is.`);
  }
  refuseCutGaps(context, tokenizer);
  const pipeline: Anything = new library.FillMaskPipeline({
    ...({ task: 'fill-mask', model, tokenizer } as Anything),
  });
  const k = topKOf(context);
  const run = async (batch: string[]) => {
    const rows: Anything[][] = await pipeline(batch, { top_k: Math.max(2, k) });
    return rows.map((row) => ({
      candidates: best(row, k).map(({ score, token, token_str, sequence }) => {
        return { score, token, token_text: token_str, text: sequence };
      }),
    }));
  };
  return inBatches(texts(context), request.parameters['batch_size'], run);
}

export async function answerQuestion(context: TaskContext): Promise<unknown> {
  const { library, model, request } = context;
  const tokenizer = await context.tokenizer();
  const pipeline: Anything = new library.QuestionAnsweringPipeline({
    ...({ task: 'question-answering', model, tokenizer } as Anything),
  });
  const { question, context: where } = request.inputs;
  const most = readableBy(context, tokenizer);
  const asked = tokenizer.encode(question as string).length;
  if (asked >= most) {
    throw new MlosError(
      'INVALID_VALUE',
      `The question alone has ${asked} tokens; the model reads ${most} of question and context.`,
    );
  }
  const k = (request.parameters['top_k'] as number | undefined) ?? 1;
  const found: Anything[] = [await pipeline(question, where, { top_k: k })].flat();
  return {
    answers: found.map(({ answer, score, start, end }) => {
      return { text: answer, score, ...(start === undefined ? {} : { start, end }) };
    }),
  };
}

export async function classifyZeroShot(context: TaskContext): Promise<unknown> {
  const { library, model, request } = context;
  const tokenizer = await context.tokenizer();
  const { candidate_labels, hypothesis_template, multi_label } = request.parameters;
  const pipeline: Anything = new library.ZeroShotClassificationPipeline({
    ...({ task: 'zero-shot-classification', model, tokenizer } as Anything),
  });
  const options = {
    ...(hypothesis_template === undefined ? {} : { hypothesis_template }),
    ...(multi_label === undefined ? {} : { multi_label }),
  };
  const run = async (batch: string[]) => {
    const rows: { labels: string[]; scores: number[] }[] = await pipeline(
      batch,
      candidate_labels,
      options,
    );
    return rows.map(({ labels, scores }) => ({
      labels: labels.map((label, index) => ({ label, score: scores[index] })),
    }));
  };
  return inBatches(texts(context), 1, run);
}

export async function rankTexts(context: TaskContext): Promise<unknown> {
  const { model, request } = context;
  const tokenizer = await context.tokenizer();
  const query = request.inputs['query'] as string;
  const documents = request.inputs['documents'] as string[];
  const { top_k: k = documents.length, raw_scores: raw } = request.parameters;
  const ranking: { index: number; score: number }[] = [];
  let tokens = 0;
  for (let from = 0, part: string[] = []; from < documents.length; from += part.length) {
    part = documents.slice(from, from + textsAtOnce(documents.slice(from), 32, query.length));
    const encoded = await tokenizer(
      part.map(() => query),
      { text_pair: part, padding: true, truncation: true },
    );
    for (const bit of encoded.attention_mask.data as BigInt64Array) tokens += Number(bit);
    const { logits } = await model(encoded);
    if (logits === undefined || logits.dims.at(-1) !== 1) {
      throw new MlosError('INFERENCE_FAILED', 'A model that ranks gives one number for each text.');
    }
    (logits.data as Float32Array).forEach((logit, row) => {
      ranking.push({ index: from + row, score: raw === true ? logit : 1 / (1 + Math.exp(-logit)) });
    });
  }
  return { ranking: best(ranking, k as number), tokens };
}
