import type { Manifest } from '../../protocol/manifest.ts';
import { formatModelId } from '../../protocol/model-id.ts';
import { AxonError } from '../axon-error.ts';
import type { EnvironmentKind } from './environments.ts';
import { environments } from './environments.ts';
import type { InputSpec } from './input-spec.ts';

export type Route = 'torchscript' | 'torchvision' | 'transformers' | 'saved_model';

export interface ConversionPlan {
  readonly route: Route;
  readonly environment: EnvironmentKind;
  readonly inputs: readonly InputSpec[];
  /** The builder of torchvision that makes the graph. */
  readonly architecture: string | null;
  /** Which of the builder's weights these are, where that is known. */
  readonly weights: string | null;
}

export interface PlanFlags {
  readonly inputs: readonly InputSpec[];
  readonly architecture: string | null;
}

/** How an installed model becomes ONNX; or why not, and what would do it. Needs no Python. */
export function planConversion(manifest: Manifest, flags: PlanFlags): ConversionPlan {
  const id = formatModelId(manifest.metadata);
  const { format } = manifest.spec;
  const dead = deadEnds[format.type];
  if (dead !== undefined) throw new AxonError('NO_CONVERTER', `${id} ${dead}`);
  const plan = { inputs: flags.inputs, architecture: null, weights: null };
  if (format.type === 'saved_model')
    return { ...plan, route: 'saved_model', environment: environments.tensorflow };
  if (format.pickle === 'may-run-code')
    throw new AxonError(
      'NO_CONVERTER',
      `${id} could run code when it is loaded (${format.pickle_names?.slice(0, 5).join(', ')}); only tensors are loaded for a conversion. Save its state dict, or a TorchScript file, and convert that.`,
    );
  if (format.type === 'torchscript') {
    if (flags.inputs.length === 0)
      throw new AxonError(
        'USAGE',
        `${id} is TorchScript, which does not say which inputs it takes. Name them in order: axon convert ${id} --input 'image:float32[batch,3,224,224]'`,
      );
    return { ...plan, route: 'torchscript', environment: environments.torch };
  }
  const architecture = builderOf(manifest, flags);
  if (architecture !== null) {
    const weights = /^(\w+)-[0-9a-f]{8}$/.exec(manifest.distribution?.source?.revision ?? '')?.[1];
    const environment = environments.torchvision;
    return { ...plan, route: 'torchvision', environment, architecture, weights: weights ?? null };
  }
  return { ...plan, ...transformersPlan(manifest, id) };
}

const deadEnds: Readonly<Record<string, string>> = {
  onnx: 'is ONNX already; `axon register` takes it as it is.',
  gguf: 'is GGUF: quantised weights for llama.cpp, of which no ONNX model is made. Convert the model that it was made of, or install an ONNX variant of it: `axon search`.',
  tflite:
    'is TFLite, which is not converted here. `python -m tf2onnx.convert --tflite FILE --output model.onnx` does it; install the result with `axon install ./model.onnx`.',
  keras:
    "is a Keras file, which is not converted here. Save it as a SavedModel with Keras's `model.export(FOLDER)`, install that, and convert it.",
};

/** `torchvision.models.resnet50`, said by the flag or by where the weights come from. */
function builderOf({ distribution }: Manifest, { architecture }: PlanFlags): string | null {
  const fromHub = distribution?.source?.hub === 'pytorch' ? distribution.source.id : '';
  const text = architecture ?? /^vision\/(\w+)$/.exec(fromHub)?.[1] ?? null;
  if (text === null) return null;
  const builder = /^(?:torchvision\.models\.)?([a-z]\w{0,63})$/.exec(text)?.[1];
  if (builder !== undefined) return builder;
  throw new AxonError(
    'USAGE',
    `--architecture ${JSON.stringify(text)} is no builder; write torchvision.models.resnet50.`,
  );
}

/** A checkpoint with config.json; some of them are more than one graph. */
function transformersPlan(
  { spec }: Manifest,
  id: string,
): Pick<ConversionPlan, 'route' | 'environment'> {
  const names = spec.format.files.map((file) => file.path);
  const isPipeline = names.includes('model_index.json');
  const isAdapter = names.includes('adapter_config.json');
  if (spec.format.remote_code !== undefined)
    throw new AxonError(
      'NO_CONVERTER',
      `${id} wants programs of its own to be run (auto_map in config.json), which a conversion does not do. Convert it where you trust them: optimum-cli export onnx --trust-remote-code --model FOLDER out/`,
    );
  if (isPipeline || isAdapter)
    throw new AxonError(
      'NO_CONVERTER',
      `${id} is ${isPipeline ? 'a pipeline of several models' : 'an adapter for another model'}. \`optimum-cli export onnx --model FOLDER out/\` converts ${isPipeline ? 'such a pipeline' : 'a model that it was merged into'}; install the result with \`axon install ./out\`.`,
    );
  if (!names.includes('config.json') || spec.model?.architecture === undefined)
    throw new AxonError(
      'NO_CONVERTER',
      `${id} holds weights without a graph, and nothing says which program makes one of them. Of a model of torchvision name its builder: axon convert ${id} --architecture torchvision.models.resnet50. Of another, save a TorchScript file and convert that.`,
    );
  return { route: 'transformers', environment: environments.torch };
}
