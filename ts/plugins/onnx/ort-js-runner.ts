import { env, InferenceSession, type Tensor as OrtTensor } from 'onnxruntime-node';
import { dtypeFromOnnx } from '../../protocol/dtype.ts';
import { MlosError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Signature, Tensor } from '../../protocol/tensor.ts';
import { signatureOf } from './ort-signature.ts';
import { fromOrtTensor, toOrtTensor } from './ort-tensor.ts';
import { ranklessValues } from './rankless.ts';
import type { Runner } from './runner.ts';
import type { SessionSettings } from './session-options.ts';

function text(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.trim().slice(0, limits.reasonLength);
}

/** The binding names an element type that it does not know by its ONNX number. */
function loadFailure(error: unknown): MlosError {
  if (error instanceof MlosError) return error;
  const message = text(error);
  const number = /^Unsupported data type: (\d+)$/.exec(message)?.[1];
  if (number !== undefined) {
    const dtype = dtypeFromOnnx(Number(number)) ?? `ONNX element type ${number}`;
    return new MlosError(
      'UNIMPLEMENTED',
      `An input or output of the model is of ${dtype}, which onnxruntime-node does not carry.`,
      { details: { dtype } },
    );
  }
  return new MlosError('MODEL_LOAD_FAILED', message);
}

function feedsOf(inputs: ReadonlyMap<string, Tensor>): Record<string, OrtTensor> {
  /** Without a prototype: a model may call an input `__proto__`. */
  const feeds: Record<string, OrtTensor> = Object.create(null);
  for (const [name, tensor] of inputs) feeds[name] = toOrtTensor(name, tensor);
  return feeds;
}

async function run(
  session: InferenceSession,
  inputs: ReadonlyMap<string, Tensor>,
  names: readonly string[],
): Promise<Map<string, Tensor>> {
  const feeds = feedsOf(inputs);
  let results: InferenceSession.OnnxValueMapType;
  try {
    results = await session.run(feeds, names);
  } catch (error) {
    throw new MlosError('INFERENCE_FAILED', text(error));
  }
  const answer = new Map<string, Tensor>();
  for (const name of names) {
    const result = results[name];
    if (result !== undefined) answer.set(name, fromOrtTensor(name, result as OrtTensor));
  }
  return answer;
}

function jsOptions(settings: SessionSettings): InferenceSession.SessionOptions {
  const { intraOpThreads, interOpThreads, graphOptimization, executionMode } = settings;
  const { cpuMemArena, memPattern, freeDimensions } = settings;
  // The runtime keeps a pattern of each combination of sizes that it has ever seen, without end.
  const options: InferenceSession.SessionOptions = { enableMemPattern: memPattern ?? false };
  if (intraOpThreads !== undefined) options.intraOpNumThreads = intraOpThreads;
  if (interOpThreads !== undefined) options.interOpNumThreads = interOpThreads;
  if (graphOptimization !== undefined) options.graphOptimizationLevel = graphOptimization;
  if (executionMode !== undefined) options.executionMode = executionMode;
  if (cpuMemArena !== undefined) options.enableCpuMemArena = cpuMemArena;
  if (freeDimensions !== undefined) options.freeDimensionOverrides = freeDimensions;
  return options;
}

function signature(session: InferenceSession, file: string): Signature {
  let names: ReadonlySet<string> | null = null;
  return signatureOf(session, () => {
    names ??= ranklessValues(file);
    return names;
  });
}

/**
 * The public JavaScript API of onnxruntime-node, as a callback model of the same engine: slower, but it
 * needs no more than the package. It runs on this process's event loop, one request at a time.
 */
export const ortJsRunner: Runner = {
  async open(engine, file, settings, options) {
    let session: InferenceSession | null = null;
    try {
      const opened = await InferenceSession.create(file, jsOptions(settings));
      session = opened;
      const added = await engine.addCallbackModel(
        signature(opened, file),
        (inputs, names) => run(opened, inputs, names),
        { ...options, instances: 1 },
        `onnxruntime-node ${env.versions.node ?? env.versions.common} (JavaScript API)`,
        true,
      );
      return { added, onLoop: true, release: () => opened.release() };
    } catch (error) {
      await session?.release();
      throw loadFailure(error);
    }
  },
};
