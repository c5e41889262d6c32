import { type GgufTensor, type GgufValue, writeGguf } from './gguf-writer.ts';

/*
 * A model of llama's form with some thousand weights that mean nothing: what everybody makes of them is the same.
 */
export const tinyGgufContext = 256;
const headWidth = 16;

const control = ['<unk>', '<s>', '</s>'];
const turns = ['<|im_start|>', '<|im_end|>'];
const bytes = Array.from({ length: 256 }, (_, byte) => {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
});
const words = 'hello mlos the cat sat on a mat in paris is nice very user assistant tool'.split(
  ' ',
);
const pieces = [...words.map((word) => `▁${word}`), '▁', ...'abcdefghijklmnopqrstuvwxyz{}":,'];
const vocabulary = [...control, ...bytes, ...turns, ...pieces];
const firstPiece = vocabulary.length - pieces.length;

/** llama.cpp's token types: 1 normal, 2 unknown, 3 control, 6 byte. */
function typeOf(token: string, id: number): number {
  if (id === 0) return 2;
  if (control.includes(token) || turns.includes(token)) return 3;
  return bytes.includes(token) ? 6 : 1;
}

function noise(count: number, seed: number, scale: number): Float32Array {
  let state = (seed * 40_503 + 11) >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state / 2 ** 31 - 1) * scale;
  });
}

interface Sizes {
  readonly width: number;
  readonly layers: number;
}

function matrix(name: string, from: number, to: number, seed: number): GgufTensor {
  return { name, dims: [from, to], values: noise(from * to, seed, Math.sqrt(3 / from)) };
}

function ones(name: string, width: number): GgufTensor {
  return { name, dims: [width], values: new Float32Array(width).fill(1) };
}

/** Only pieces are said: the rest is never the likeliest. */
function outputWeights({ width }: Sizes): GgufTensor {
  const values = noise(width * vocabulary.length, 9, 1);
  values.fill(0, 0, firstPiece * width);
  return { name: 'output.weight', dims: [width, vocabulary.length], values };
}

/** The form of ChatML, with tools where there are some. */
const chatTemplate =
  "{%- if tools %}{{ '<|im_start|>tool ' }}{% for tool in tools %}{{ tool.function.name }}{% endfor %}{{ '<|im_end|>' }}{% endif -%}" +
  "{%- for message in messages %}{{ '<|im_start|>' + message.role + ' ' + message.content + '<|im_end|>' }}{% endfor -%}" +
  "{%- if add_generation_prompt %}{{ '<|im_start|>assistant' }}{% endif -%}";

function layer(index: number, { width }: Sizes): GgufTensor[] {
  const at = (name: string) => `blk.${index}.${name}.weight`;
  const wide = 2 * width;
  const seed = 10 * index;
  return [
    ones(at('attn_norm'), width),
    matrix(at('attn_q'), width, width, seed + 2),
    matrix(at('attn_k'), width, width, seed + 3),
    matrix(at('attn_v'), width, width, seed + 4),
    matrix(at('attn_output'), width, width, seed + 5),
    ones(at('ffn_norm'), width),
    matrix(at('ffn_gate'), width, wide, seed + 6),
    matrix(at('ffn_up'), width, wide, seed + 7),
    matrix(at('ffn_down'), wide, width, seed + 8),
  ];
}

export interface TinyGguf extends Partial<Sizes> {
  readonly chat?: boolean;
  /** llama.cpp's number of it; the model embeds then. */
  readonly pooling?: number;
  /** Tokens of prompt and answer together. */
  readonly context?: number;
}

/** The bytes of a model. */
export function tinyGguf(about: TinyGguf = {}): Buffer {
  const { chat = true, pooling, context = tinyGgufContext, width = 32, layers = 1 } = about;
  const sizes = { width, layers };
  const values: Record<string, GgufValue> = {
    'general.architecture': 'llama',
    'general.name': 'tiny',
    // As if most of its weights were of 16 bits.
    'general.file_type': { u32: 1 },
    'llama.context_length': { u32: context },
    'llama.embedding_length': { u32: width },
    'llama.block_count': { u32: layers },
    'llama.feed_forward_length': { u32: 2 * width },
    'llama.attention.head_count': { u32: width / headWidth },
    'llama.attention.layer_norm_rms_epsilon': { f32: 1e-5 },
    'llama.rope.dimension_count': { u32: headWidth },
    ...(pooling === undefined ? {} : { 'llama.pooling_type': { u32: pooling } }),
    'tokenizer.ggml.model': 'llama',
    'tokenizer.ggml.tokens': { strings: vocabulary },
    // Longer pieces are preferred.
    'tokenizer.ggml.scores': { floats: vocabulary.map((token) => token.length) },
    'tokenizer.ggml.token_type': { ints: vocabulary.map(typeOf) },
    'tokenizer.ggml.bos_token_id': { u32: 1 },
    'tokenizer.ggml.eos_token_id': { u32: 2 },
    'tokenizer.ggml.add_bos_token': true,
    ...(chat ? { 'tokenizer.chat_template': chatTemplate } : {}),
  };
  return writeGguf(values, [
    matrix('token_embd.weight', width, vocabulary.length, 1),
    ones('output_norm.weight', width),
    outputWeights(sizes),
    ...Array.from({ length: layers }, (_, index) => layer(index, sizes)).flat(),
  ]);
}
