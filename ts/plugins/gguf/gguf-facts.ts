import type { TaskName } from '../../protocol/tasks/task.ts';
import type { LlamaCpp, Model } from './llama-cpp.ts';

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
  readonly fileType: unknown;
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
  const { architecture: named, file_type: fileType } = fieldsOf(metadata['general']);
  const architecture = String(named ?? '');
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
    fileType,
    pieces: Array.isArray(tokens) ? tokens : [],
  };
}

/** Longer ones are not told: what a plugin says of a model has a bound. */
const longestTemplate = 32 * 1024;

/** What whoever asks about the model is told, whatever its task is. */
export function toldFacts(
  { architecture, fileType, chatTemplate }: GgufFacts,
  { GgufFileType: fileTypes }: LlamaCpp['library'],
): Fields {
  const type = typeof fileType === 'number' ? fileTypes[fileType] : undefined;
  const quantization = typeof type === 'string' ? type.replace(/^(?:MOSTLY|ALL)_/, '') : undefined;
  const isTold = chatTemplate !== null && Buffer.byteLength(chatTemplate) <= longestTemplate;
  return {
    ...(architecture === '' ? {} : { architecture }),
    ...(quantization === undefined ? {} : { quantization }),
    ...(isTold ? { templates: { chat: chatTemplate } } : {}),
  };
}
