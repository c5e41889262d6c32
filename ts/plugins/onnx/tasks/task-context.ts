import { MlosError } from '../../../protocol/errors.ts';
import type { PluginTaskRequest } from '../../../smi/serve.ts';
import { textsAtOnce } from '../../text-length.ts';
import { type CallableModel, type CalledModel, callableModel } from './engine-call.ts';
import { type Library, library, type Processor, type Tokenizer } from './library.ts';
import { type PackageFacts, readChatTemplate } from './package-facts.ts';

/** One request with what it needs: the library, the model behind its face, what the package says. */
export interface TaskContext {
  readonly library: Library;
  readonly model: CallableModel;
  readonly facts: PackageFacts;
  readonly request: PluginTaskRequest;
  tokenizer(): Promise<Tokenizer>;
  processor(): Promise<Processor>;
}

/** The package's tokenizer and processor, read once, when they are first needed. */
export class PackageTools {
  readonly #folder: string;
  #tokenizer: Promise<Tokenizer> | null = null;
  #processor: Promise<Processor> | null = null;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Errors: INFERENCE_FAILED for files that are no tokenizer. */
  tokenizer(): Promise<Tokenizer> {
    this.#tokenizer ??= this.#read('tokenizer', async ({ AutoTokenizer }) => {
      const found = await AutoTokenizer.from_pretrained(this.#folder, { local_files_only: true });
      // The library looks for the template's own file with processors only.
      found.chat_template ??= readChatTemplate(this.#folder);
      return found;
    });
    return this.#tokenizer;
  }

  /** Errors: INFERENCE_FAILED for files that are no processor, or one of a kind that is not known. */
  processor(): Promise<Processor> {
    this.#processor ??= this.#read('processor', ({ AutoProcessor }) =>
      AutoProcessor.from_pretrained(this.#folder, { local_files_only: true }),
    );
    return this.#processor;
  }

  async #read<T>(what: string, open: (from: Library) => Promise<T>): Promise<T> {
    const from = await library();
    try {
      return await open(from);
    } catch (error) {
      throw new MlosError(
        'INFERENCE_FAILED',
        `The package's ${what} cannot be used: ${(error as Error).message}`,
        { cause: error },
      );
    }
  }
}

export type Attached = Omit<CalledModel, 'config'>;

export async function taskContext(
  request: PluginTaskRequest,
  parts: {
    readonly attached: Attached;
    readonly facts: PackageFacts;
    readonly tools: PackageTools;
  },
): Promise<TaskContext> {
  const { attached, facts, tools } = parts;
  const loaded = await library();
  const { signal, deadlineUs, priority } = request;
  return {
    library: loaded,
    model: callableModel(
      loaded,
      { ...attached, config: facts.config },
      { signal, deadlineUs, priority },
    ),
    facts,
    request,
    tokenizer: () => tools.tokenizer(),
    processor: () => tools.processor(),
  };
}

/** Runs a list in parts of at most `size`; a single input is a list of one. */
export async function inBatches<Input extends string | Uint8Array, T>(
  given: Input | readonly Input[],
  size: unknown,
  run: (inputs: Input[]) => Promise<T[]>,
): Promise<T | T[]> {
  if (!isList(given)) return (await run([given]))[0] as T;
  const most = typeof size === 'number' ? size : 32;
  const results: T[] = [];
  while (results.length < given.length) {
    const rest = given.slice(results.length, results.length + most);
    const texts = rest.filter((input) => typeof input === 'string');
    const count = texts.length === 0 ? rest.length : textsAtOnce(texts, most);
    results.push(...(await run(rest.slice(0, count))));
  }
  return results;
}

function isList<T>(given: T | readonly T[]): given is readonly T[] {
  return Array.isArray(given);
}
