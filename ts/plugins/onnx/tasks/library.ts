import { MlosError } from '../../../protocol/errors.ts';

/*
 * @huggingface/transformers: tokenizers, processors and the arithmetic around a model, as the field has them.
 * Loaded when the first task is asked for: a process that runs tensors only pays nothing for it.
 */
export type Library = typeof import('@huggingface/transformers');
export type LibraryTensor = InstanceType<Library['Tensor']>;
export type Tokenizer = Awaited<ReturnType<Library['AutoTokenizer']['from_pretrained']>>;
export type Processor = Awaited<ReturnType<Library['AutoProcessor']['from_pretrained']>>;

let loading: Promise<Library> | null = null;

async function load(): Promise<Library> {
  const library = await import('@huggingface/transformers');
  // A daemon's plugin opens no connection: what is not in the package is not there.
  library.env.allowRemoteModels = false;
  library.env.allowLocalModels = true;
  library.env.useFSCache = false;
  library.env.useBrowserCache = false;
  return library;
}

/** Errors: UNIMPLEMENTED where the package is not installed. */
export function library(): Promise<Library> {
  loading ??= load().catch((error: unknown) => {
    loading = null;
    throw new MlosError(
      'UNIMPLEMENTED',
      `Tasks need @huggingface/transformers, which does not load here: ${(error as Error).message}`,
      { cause: error },
    );
  });
  return loading;
}
