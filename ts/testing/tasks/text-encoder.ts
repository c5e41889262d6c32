import { type OnnxInitializer, type OnnxNode, onnxModel } from '../onnx-builder.ts';
import { longs, words, writePackage } from './tiny-text-model.ts';

/*
 * A text encoder of BERT's form (attention, then two dense layers, each with a norm behind it), of any size. Its
 * weights mean nothing; what it costs is what a model of that size costs.
 */
export interface EncoderSize {
  readonly layers: number;
  /** Numbers of one token's vector; a multiple of the heads. */
  readonly width: number;
  readonly heads: number;
}

const float32 = 'float32' as const;
const int64 = 'int64' as const;

/** Numbers that look random and are the same each time, with mean 0. */
function noise(count: number, seed: number, scale: number): Uint8Array {
  let state = seed * 2_654_435_761 + 1;
  const values = Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state / 2 ** 31 - 1) * scale;
  });
  return new Uint8Array(values.buffer);
}

function filled(name: string, count: number, value: number): OnnxInitializer {
  const data = new Uint8Array(new Float32Array(count).fill(value).buffer);
  return { name, dtype: float32, shape: [count], data };
}

function scalar(name: string, value: number): OnnxInitializer {
  return {
    name,
    dtype: float32,
    shape: [],
    data: new Uint8Array(new Float32Array([value]).buffer),
  };
}

/** A layer from `x` to the name that it answers. */
function layer(index: number, { width }: EncoderSize) {
  const at = (name: string) => `${index}.${name}`;
  const nodes: OnnxNode[] = [];
  const weights: OnnxInitializer[] = [];
  const op = (name: string, inputs: readonly string[], out: string, attributes = {}) => {
    nodes.push({ op: name, inputs, outputs: [at(out)], attributes });
    return at(out);
  };
  const dense = (input: string, out: string, from: number, to: number) => {
    const name = at(`${out}.W`);
    const seed = index * 100 + weights.length + 1;
    const data = noise(from * to, seed, Math.sqrt(3 / from));
    weights.push({ name, dtype: float32, shape: [from, to], data });
    weights.push(filled(at(`${out}.b`), to, 0.01));
    return op('Add', [op('MatMul', [input, name], `${out}.m`), at(`${out}.b`)], out);
  };
  const norm = (input: string, out: string) => {
    weights.push(filled(at(`${out}.g`), width, 1), filled(at(`${out}.s`), width, 0));
    const inputs = [input, at(`${out}.g`), at(`${out}.s`)];
    return op('LayerNormalization', inputs, out, { axis: 2 });
  };
  const x = index === 0 ? 'h' : `${index - 1}.out`;
  const head = (out: string, perm: readonly number[]) => {
    const split = op('Reshape', [dense(x, out, width, width), 'split'], `${out}.4`);
    return op('Transpose', [split], `${out}.t`, { perm });
  };
  const query = head('q', [0, 2, 1, 3]);
  const key = head('k', [0, 2, 3, 1]);
  const value = head('v', [0, 2, 1, 3]);
  const scores = op('Mul', [op('MatMul', [query, key], 'qk'), 'scale'], 'scaled');
  const shares = op('Softmax', [op('Add', [scores, 'hidden'], 'masked')], 'shares', { axis: 3 });
  const mixed = op('MatMul', [shares, value], 'mixed');
  const joined = op('Transpose', [mixed], 'mixed.t', { perm: [0, 2, 1, 3] });
  const told = dense(op('Reshape', [joined, 'join'], 'joined'), 'o', width, width);
  const heard = norm(op('Add', [told, x], 'sum'), 'heard');
  const wide = dense(heard, 'up', width, 4 * width);
  const erf = op('Add', [op('Erf', [op('Mul', [wide, 'rsqrt2'], 'g1')], 'g2'), 'one'], 'g3');
  const gelu = op('Mul', [op('Mul', [wide, erf], 'g4'), 'half'], 'g5');
  norm(op('Add', [dense(gelu, 'down', 4 * width, width), heard], 'sum2'), 'out');
  return { nodes, weights };
}

function encoder(size: EncoderSize): Buffer {
  const { layers, width, heads } = size;
  const made = Array.from({ length: layers }, (_, index) => layer(index, size));
  const last = `${layers - 1}.out`;
  return onnxModel({
    nodes: [
      { op: 'Gather', inputs: ['E', 'input_ids'], outputs: ['h'] },
      { op: 'Cast', inputs: ['attention_mask'], outputs: ['mask'], attributes: { to: 1 } },
      { op: 'Sub', inputs: ['one', 'mask'], outputs: ['away'] },
      { op: 'Mul', inputs: ['away', 'never'], outputs: ['away2'] },
      { op: 'Unsqueeze', inputs: ['away2', 'axes12'], outputs: ['hidden'] },
      ...made.flatMap(({ nodes }) => nodes),
      { op: 'Identity', inputs: [last], outputs: ['last_hidden_state'] },
    ],
    inputs: ['input_ids', 'attention_mask'].map((name) => {
      return { name, dtype: int64, shape: ['batch', 'tokens'] };
    }),
    outputs: [{ name: 'last_hidden_state', dtype: float32, shape: ['batch', 'tokens', width] }],
    initializers: [
      ...made.flatMap(({ weights }) => weights),
      {
        ...{ name: 'E', dtype: float32, shape: [words.length, width] },
        data: noise(words.length * width, 7, 1),
      },
      { name: 'split', dtype: int64, shape: [4], data: longs(0, 0, heads, width / heads) },
      { name: 'join', dtype: int64, shape: [3], data: longs(0, 0, width) },
      { name: 'axes12', dtype: int64, shape: [2], data: longs(1, 2) },
      scalar('scale', 1 / Math.sqrt(width / heads)),
      ...[scalar('one', 1), scalar('half', 0.5), scalar('rsqrt2', Math.SQRT1_2)],
      scalar('never', -10_000),
    ],
  });
}

/** The most tokens of a text. */
export const encoderTokens = 128;

/** Makes the package in `folder`, with the mean of the tokens as the text's vector; answers the model file. */
export function writeTextEncoder(folder: string, size: EncoderSize): Promise<string> {
  const files = {
    'config.json': {
      ...{ model_type: 'bert', architectures: ['BertModel'], hidden_size: size.width },
      max_position_embeddings: encoderTokens,
    },
    'sentence_bert_config.json': { max_seq_length: encoderTokens },
    'modules.json': [
      { type: 'sentence_transformers.models.Transformer', path: '' },
      { type: 'sentence_transformers.models.Pooling', path: '1_Pooling' },
      { type: 'sentence_transformers.models.Normalize', path: '2_Normalize' },
    ],
    '1_Pooling/config.json': { pooling_mode_mean_tokens: true },
  };
  return writePackage(folder, files, encoder(size));
}
