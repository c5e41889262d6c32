import { type Format, folderOf, formatOf } from './file-kinds.ts';

/** One loadable thing: the files that are run, and those that they need to be whole. */
export interface Candidate {
  readonly format: Format;
  /** Name of the variant, empty for the plain one. */
  readonly variant: string;
  readonly run: readonly string[];
  readonly needs: readonly string[];
}

/** Groups names into what could be loaded. Incomplete ones (a shard missing) are not among them. */
export function candidatesOf(paths: readonly string[]): readonly Candidate[] {
  const of = (format: Format) => paths.filter((path) => formatOf(path) === format);
  return [
    ...onnx(of('onnx'), paths),
    ...gguf(of('gguf')),
    ...sharded('safetensors', of('safetensors'), /^(model|diffusion_pytorch_model)$/),
    ...of('saved_model').map((path) => savedModel(path, paths)),
    ...of('tflite').map(
      (path): Candidate => ({ format: 'tflite', variant: '', run: [path], needs: [] }),
    ),
    ...sharded('pytorch', of('pytorch'), /^pytorch_model$/),
  ];
}

const dtypeSuffix = /_(fp16|int8|uint8|quantized|q4|q4f16|bnb4|q2|q2f16|q1|q1f16|optimized)$/;

interface OnnxFile {
  readonly path: string;
  readonly session: string;
  readonly variant: string;
}

function onnxFile(path: string): OnnxFile {
  const stem = path.slice(folderOf(path).length).replace(/\.(onnx|ort)$/, '');
  const variant = dtypeSuffix.exec(stem)?.[1] ?? '';
  return { path, session: variant === '' ? stem : stem.slice(0, -variant.length - 1), variant };
}

/** `onnx/` before the top before other folders; only one folder is looked at, if it holds any. */
function onnx(models: readonly string[], paths: readonly string[]): Candidate[] {
  const folders = new Set(models.map(folderOf));
  const folder = ['onnx/', ''].find((name) => folders.has(name));
  const files = models
    .filter((path) => folder === undefined || folderOf(path) === folder)
    .map(onnxFile);
  const variants = [...new Set(files.map((file) => file.variant))].sort();
  return variants.flatMap((variant) =>
    sessionsOf(files.filter((file) => file.variant === variant)).map(
      (run): Candidate => ({
        format: 'onnx',
        variant,
        run,
        needs: run.flatMap((path) => dataOf(path, paths)),
      }),
    ),
  );
}

/** Sessions that belong together are one candidate; others stand alone. */
function sessionsOf(files: readonly OnnxFile[]): string[][] {
  const find = (...names: string[]) =>
    names.flatMap((name) => files.find((file) => file.session === name)?.path ?? []);
  if (find('model').length === 1) return [find('model')];
  const decoder =
    find('decoder_model_merged').length > 0
      ? ['decoder_model_merged']
      : ['decoder_model', 'decoder_with_past_model'];
  const whole = find('encoder_model', ...decoder);
  if (find('encoder_model').length === 1 && whole.length >= 2) return [whole];
  return files.map((file) => [file.path]);
}

/** Data files by their usual names; what the model really names is checked once it is here. */
function dataOf(path: string, paths: readonly string[]): string[] {
  return paths.filter(
    (other) =>
      other !== path &&
      (other === `${path}.data` ||
        (/^_data(_\d+)?$/.test(other.slice(path.length)) && other.startsWith(path))),
  );
}

const shardPattern = /^(.*)-(\d{5})-of-(\d{5})(\.[a-z]+)$/;

interface Group {
  readonly stem: string;
  readonly files: readonly string[];
}

/** Single files, and sets of shards that are whole. */
function groups(files: readonly string[]): Group[] {
  const sets = new Map<string, string[]>();
  const single: Group[] = [];
  for (const path of files) {
    const shard = shardPattern.exec(path);
    if (shard === null) single.push({ stem: path.replace(/\.[a-z]+$/, ''), files: [path] });
    else {
      const key = `${shard[1]}\0${shard[3]}`;
      sets.set(key, [...(sets.get(key) ?? []), path]);
    }
  }
  for (const [key, shards] of sets) {
    const [stem = '', total] = key.split('\0');
    if (shards.length === Number(total)) single.push({ stem, files: shards.sort() });
  }
  return single;
}

function gguf(files: readonly string[]): Candidate[] {
  const models = files.filter((path) => !/(^|\/)mmproj|imatrix/i.test(path));
  const vision = files.filter((path) => /(^|\/)mmproj/i.test(path)).sort();
  return groups(models).map(({ stem, files: run }): Candidate => {
    const variant = /[-._]((?:I?Q\d+|F16|BF16|F32|MXFP4)(?:_[A-Z0-9]+)*)$/i.exec(stem)?.[1] ?? '';
    return {
      format: 'gguf',
      variant,
      run: run.slice(0, 1),
      needs: [...run.slice(1), ...vision.slice(0, 1)],
    };
  });
}

/** Weights of the usual name are the plain variant; `name.fp16` and others go by their own. */
function sharded(format: Format, files: readonly string[], usual: RegExp): Candidate[] {
  const all = groups(files);
  const top = all.filter(({ stem }) => usual.test(stem));
  const chosen = top.length > 0 ? top : all;
  return chosen.map(({ files: run }): Candidate => ({ format, variant: '', run, needs: [] }));
}

function savedModel(path: string, paths: readonly string[]): Candidate {
  const folder = folderOf(path);
  const inside = /^(variables\/|assets|keras_metadata\.pb$|fingerprint\.pb$)/;
  const needs = paths.filter(
    (other) => other.startsWith(folder) && inside.test(other.slice(folder.length)),
  );
  return { format: 'saved_model', variant: '', run: [path], needs };
}
