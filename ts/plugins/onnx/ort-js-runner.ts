import { InferenceSession, type Tensor as OrtTensor } from 'onnxruntime-node';
import { dtypeFromOnnx } from '../../protocol/dtype.ts';
import { MlosError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Tensor } from '../../protocol/tensor.ts';
import { signatureOf } from './ort-signature.ts';
import { fromOrtTensor, toOrtTensor } from './ort-tensor.ts';
import { ortVersion } from './ort-version.ts';
import { ranklessValues } from './rankless.ts';
import type { Runner, RunnerSession } from './runner.ts';
import { sessionOptions } from './session-options.ts';

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

class OrtJsSession implements RunnerSession {
  readonly signature;
  readonly metadata = {};
  readonly #session: InferenceSession;

  constructor(session: InferenceSession, file: string) {
    this.#session = session;
    let names: ReadonlySet<string> | null = null;
    this.signature = signatureOf(session, () => {
      names ??= ranklessValues(file);
      return names;
    });
  }

  async run(
    inputs: ReadonlyMap<string, Tensor>,
    outputs: readonly string[] | null,
  ): Promise<Map<string, Tensor>> {
    const names = this.#outputNames(outputs);
    const results = await this.#run(this.#feeds(inputs), names);
    const answer = new Map<string, Tensor>();
    for (const name of names) {
      const result = results[name];
      if (result !== undefined) answer.set(name, fromOrtTensor(name, result as OrtTensor));
    }
    return answer;
  }

  close(): Promise<void> {
    return this.#session.release();
  }

  /** Without a prototype: a model may call an input `__proto__`. */
  #feeds(inputs: ReadonlyMap<string, Tensor>): Record<string, OrtTensor> {
    const feeds: Record<string, OrtTensor> = Object.create(null);
    const missing = this.#session.inputNames.find((name) => !inputs.has(name));
    if (missing !== undefined) {
      throw new MlosError('MISSING_INPUT', `Input ${JSON.stringify(missing)} is missing.`);
    }
    for (const [name, tensor] of inputs) {
      if (!this.#session.inputNames.includes(name)) {
        throw new MlosError('UNKNOWN_INPUT', `The model has no input ${JSON.stringify(name)}.`);
      }
      feeds[name] = toOrtTensor(name, tensor);
    }
    return feeds;
  }

  #outputNames(wanted: readonly string[] | null): readonly string[] {
    const known = this.#session.outputNames;
    const strange = wanted?.find((name) => !known.includes(name));
    if (strange !== undefined) {
      throw new MlosError('UNKNOWN_INPUT', `The model has no output ${JSON.stringify(strange)}.`);
    }
    return wanted === null || wanted.length === 0 ? known : wanted;
  }

  async #run(feeds: Record<string, OrtTensor>, names: readonly string[]) {
    try {
      return await this.#session.run(feeds, names);
    } catch (error) {
      throw new MlosError('INFERENCE_FAILED', text(error));
    }
  }
}

/** The public JavaScript API of onnxruntime-node. It runs on this thread: one model at a time. */
export const ortJsRunner: Runner = {
  name: `onnxruntime-node ${ortVersion()}`,
  async open(file, options) {
    const settings = sessionOptions(options);
    let session: InferenceSession | null = null;
    try {
      session = await InferenceSession.create(file, settings);
      return new OrtJsSession(session, file);
    } catch (error) {
      await session?.release();
      throw loadFailure(error);
    }
  },
};
