import { readFileSync } from 'node:fs';
import { MlosError } from '../../protocol/errors.ts';

/*
 * node-llama-cpp: llama.cpp with its sampling and grammars, built for the CPU, inside the package of the registry.
 * It is an optional dependency, so what is used of it is written down here.
 */
export interface TokenBias {
  set(token: number, bias: 'never' | { readonly logit: number }): this;
}

export interface EvaluateOptions {
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  readonly seed: number;
  readonly repeatPenalty?: {
    punishTokens(): number[];
    readonly penalty?: number;
    readonly frequencyPenalty?: number;
    readonly presencePenalty?: number;
  };
  readonly tokenBias?: TokenBias | (() => TokenBias);
  readonly grammarEvaluationState?: unknown;
  readonly yieldEogToken: true;
}

export interface NextLogits {
  readonly next?: { readonly logits?: ReadonlyMap<number, number> };
}

export interface Sequence {
  readonly nextTokenIndex: number;
  compareContextTokens(tokens: readonly number[]): { readonly firstDifferentIndex: number };
  adaptStateToTokens(tokens: readonly number[], allowShift: boolean): Promise<void>;
  evaluate(tokens: readonly number[], options: EvaluateOptions): AsyncGenerator<number>;
  evaluateWithoutGeneratingNewTokens(tokens: readonly number[]): Promise<void>;
  controlledEvaluate(
    input: readonly (number | readonly [number, object])[],
  ): Promise<readonly (NextLogits | undefined)[]>;
}

export interface Context {
  getSequence(): Sequence;
  dispose(): Promise<void>;
}

export interface EmbeddingContext {
  getEmbeddingFor(tokens: readonly number[]): Promise<{ readonly vector: readonly number[] }>;
  dispose(): Promise<void>;
}

export interface RankingContext {
  rankAll(query: string, documents: readonly string[]): Promise<number[]>;
  calculateInputLength(query: string, document: string): number;
  dispose(): Promise<void>;
}

export interface Model {
  readonly fileInfo: { readonly metadata: Readonly<Record<string, unknown>> };
  readonly fileInsights: {
    estimateContextResourceRequirements(wanted: {
      readonly contextSize: number;
      readonly modelGpuLayers: 0;
      readonly sequences: number;
    }): Promise<{ readonly cpuRam: number }>;
  };
  /** Of its weights, in bytes. */
  readonly size: number;
  readonly trainContextSize: number;
  readonly embeddingVectorSize: number;
  readonly tokens: {
    readonly bos: number | null;
    readonly bosString: string | null;
    readonly eosString: string | null;
    readonly shouldPrependBosToken: boolean;
  };
  tokenize(text: string, specialTokens: boolean): number[];
  detokenize(tokens: readonly number[], specialTokens: boolean): string;
  isEogToken(token: number): boolean;
  iterateAllTokens(): Iterable<number>;
  createContext(options: object): Promise<Context>;
  createEmbeddingContext(options: object): Promise<EmbeddingContext>;
  createRankingContext(options: object): Promise<RankingContext>;
  dispose(): Promise<void>;
}

export interface Llama {
  loadModel(options: object): Promise<Model>;
  createGrammarForJsonSchema(schema: object): Promise<unknown>;
  getGrammarFor(kind: 'json'): Promise<unknown>;
}

interface Library {
  getLlama(options: object): Promise<Llama>;
  /** Names by number, and numbers by name. */
  readonly GgufFileType: Readonly<Record<string | number, string | number | undefined>>;
  readonly TokenBias: { for(model: Model): TokenBias };
  readonly LlamaGrammarEvaluationState: new (options: object) => unknown;
}

export interface LlamaCpp {
  readonly library: Library;
  readonly llama: Llama;
}

const packageName = 'node-llama-cpp';

/** Null: it is not installed. */
export function llamaVersion(): string | null {
  try {
    const entry = import.meta.resolve(packageName);
    const { version } = JSON.parse(readFileSync(new URL('../package.json', entry), 'utf8')) as {
      readonly version: string;
    };
    return version;
  } catch {
    return null;
  }
}

let opening: Promise<LlamaCpp> | null = null;

async function open(threads: number): Promise<LlamaCpp> {
  const library = (await import(packageName)) as Library;
  const llama = await library.getLlama({
    // What is in the package, or nothing: a plugin neither compiles nor downloads.
    ...{ gpu: false, build: 'never', skipDownload: true, progressLogs: false },
    logLevel: 'warn',
    ...(threads > 0 ? { maxThreads: threads } : {}),
  });
  return { library, llama };
}

/**
 * Loaded with the first model. `threads`: 0 leaves it to the library. Errors: UNIMPLEMENTED where the package is
 * not installed or does not load.
 */
export function openLlamaCpp(threads: number): Promise<LlamaCpp> {
  opening ??= open(threads).catch((error: unknown) => {
    opening = null;
    throw new MlosError(
      'UNIMPLEMENTED',
      `GGUF models need the optional package ${packageName}, which does not load here (npm install ${packageName}): ${(error as Error).message}`,
      { cause: error },
    );
  });
  return opening;
}
