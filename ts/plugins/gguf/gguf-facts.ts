import type { TaskName } from '../../protocol/tasks/task.ts';
import type { Model } from './llama-cpp.ts';

/*
 * What a GGUF file says of its model. The keys are llama.cpp's: github.com/ggml-org/ggml/blob/master/docs/gguf.md.
 */
type Fields = Readonly<Record<string, unknown>>;

export interface GgufFacts {
  readonly architecture: string;
  readonly task: Extract<TaskName, 'text-generation' | 'feature-extraction' | 'text-ranking'>;
  /** How the tokens' vectors become one; null for models that write. */
  readonly pooling: 'mean' | 'cls' | 'last_token' | null;
  readonly chatTemplate: string | null;
  /** The vocabulary, by token. */
  readonly pieces: readonly string[];
}

/** llama.cpp's enum llama_pooling_type; what is not here stands for a model that writes. */
const poolings = { 1: 'mean', 2: 'cls', 3: 'last_token' } as const;
const ranks = 4;

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

export function readGgufFacts({ fileInfo }: Model): GgufFacts {
  const { metadata } = fileInfo;
  const architecture = String(fieldsOf(metadata['general'])['architecture'] ?? '');
  const pooled = fieldsOf(metadata[architecture])['pooling_type'];
  const pooling = poolings[pooled as keyof typeof poolings] ?? null;
  const { chat_template: template, ggml } = fieldsOf(metadata['tokenizer']);
  const { tokens } = fieldsOf(ggml);
  const embeds = pooling === null ? 'text-generation' : 'feature-extraction';
  return {
    architecture,
    task: pooled === ranks ? 'text-ranking' : embeds,
    pooling,
    chatTemplate: typeof template === 'string' && template !== '' ? template : null,
    pieces: Array.isArray(tokens) ? tokens : [],
  };
}
