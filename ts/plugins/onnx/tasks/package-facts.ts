import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { MlosError } from '../../../protocol/errors.ts';

/*
 * What a package says of its model, in the files that the Hugging Face libraries write. Nothing is guessed:
 * a file that is not there says nothing.
 */
type Fields = Readonly<Record<string, unknown>>;

/** Far more than any has; tokenizers of large vocabularies are the tokenizer library's to read. */
const maxJsonBytes = 16 * 1024 * 1024;

/** Where newer packages have what older ones have in tokenizer_config.json. */
const templateFile = 'chat_template.jinja';
const maxTemplateBytes = 1024 * 1024;

export interface PackageFacts {
  readonly folder: string;
  /** config.json; empty where there is none. */
  readonly config: Fields;
  readonly hasTokenizer: boolean;
  readonly hasProcessor: boolean;
  /** How the tokens' vectors become one; null: the package does not say. */
  readonly pooling: Pooling | null;
  readonly normalizes: boolean;
  /** The most tokens that are read; null: what the tokenizer says. */
  readonly maxTokens: number | null;
  /** What stands for a gap in a text; null: the package does not say. */
  readonly maskToken: string | null;
  /** How a conversation is written; null: the package does not say. */
  readonly chatTemplate: string | null;
  /** generation_config.json; empty where there is none. */
  readonly generation: Fields;
}

export type Pooling = 'mean' | 'cls' | 'last_token' | 'max' | 'none';

/** A JSON file of the package, or null. Errors: MODEL_LOAD_FAILED for one that is broken. */
function readJson(folder: string, name: string): unknown {
  const file = join(folder, name);
  if (!existsSync(file)) return null;
  if (statSync(file).size > maxJsonBytes) {
    throw new MlosError('MODEL_LOAD_FAILED', `${name} has more than ${maxJsonBytes} bytes.`);
  }
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new MlosError('MODEL_LOAD_FAILED', `${name} is not JSON: ${(error as Error).message}`);
  }
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : {};
}

/** Modes of sentence-transformers; several at once join vectors, which nobody here does. */
const modes: readonly (readonly [string, Pooling])[] = [
  ['pooling_mode_mean_tokens', 'mean'],
  ['pooling_mode_cls_token', 'cls'],
  ['pooling_mode_max_tokens', 'max'],
  ['pooling_mode_lasttoken', 'last_token'],
];

function poolingOf(config: Fields): Pooling | null {
  const set = modes.filter(([key]) => config[key] === true).map(([, mode]) => mode);
  return set.length === 1 ? (set[0] ?? null) : null;
}

/** The template of conversations that lies beside the tokenizer, or null. Errors: MODEL_LOAD_FAILED. */
export function readChatTemplate(folder: string): string | null {
  const file = join(folder, templateFile);
  if (!existsSync(file)) return null;
  if (statSync(file).size <= maxTemplateBytes) return readFileSync(file, 'utf8');
  throw new MlosError(
    'MODEL_LOAD_FAILED',
    `${templateFile} has more than ${maxTemplateBytes} bytes.`,
  );
}

/** Several are for several purposes. */
function templateIn({ chat_template: template }: Fields): string | null {
  if (template === undefined || template === null) return null;
  return typeof template === 'string' ? template : JSON.stringify(template);
}

/** The token as its text, or with facts beside it. */
function maskTokenOf(config: Fields): string | null {
  const { mask_token: token } = config;
  const text = typeof token === 'string' ? token : fieldsOf(token)['content'];
  return typeof text === 'string' && text.length <= 64 ? text : null;
}

/** Reads what is there. Errors: MODEL_LOAD_FAILED. */
export function readPackageFacts(folder: string): PackageFacts {
  const modules = readJson(folder, 'modules.json');
  const types = Array.isArray(modules) ? modules.map((module) => fieldsOf(module)) : [];
  const find = (kind: string) => types.find(({ type }) => String(type).endsWith(`.${kind}`));
  const poolingPath = find('Pooling')?.['path'];
  const pooling =
    typeof poolingPath === 'string' && /^[\w-]+$/.test(poolingPath)
      ? poolingOf(fieldsOf(readJson(folder, `${poolingPath}/config.json`)))
      : null;
  const tokenizer = fieldsOf(readJson(folder, 'tokenizer_config.json'));
  const sentence = fieldsOf(readJson(folder, 'sentence_bert_config.json'));
  const maxTokens = sentence['max_seq_length'];
  return {
    folder,
    config: fieldsOf(readJson(folder, 'config.json')),
    hasTokenizer: existsSync(join(folder, 'tokenizer.json')),
    hasProcessor: existsSync(join(folder, 'preprocessor_config.json')),
    pooling,
    normalizes: find('Normalize') !== undefined,
    maxTokens: typeof maxTokens === 'number' ? maxTokens : null,
    maskToken: maskTokenOf(tokenizer),
    chatTemplate: readChatTemplate(folder) ?? templateIn(tokenizer),
    generation: fieldsOf(readJson(folder, 'generation_config.json')),
  };
}
