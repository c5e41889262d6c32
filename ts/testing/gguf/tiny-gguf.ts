import { type GgufTensor, type GgufValue, writeGguf } from './gguf-writer.ts';

/*
 * A model of llama's form with some thousand weights that mean nothing: what everybody makes of them is the same.
 */
const width = 32;
const heads = 2;
const wide = 64;
export const tinyGgufContext = 256;

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

function matrix(name: string, from: number, to: number, seed: number): GgufTensor {
  return { name, dims: [from, to], values: noise(from * to, seed, Math.sqrt(3 / from)) };
}

function ones(name: string): GgufTensor {
  return { name, dims: [width], values: new Float32Array(width).fill(1) };
}

/** Only pieces are said: the rest is never the likeliest. */
function outputWeights(): GgufTensor {
  const values = noise(width * vocabulary.length, 9, 1);
  values.fill(0, 0, firstPiece * width);
  return { name: 'output.weight', dims: [width, vocabulary.length], values };
}

/** The form of ChatML, with tools where there are some. */
export const chatTemplate =
  "{%- if tools %}{{ '<|im_start|>tool ' }}{% for tool in tools %}{{ tool.function.name }}{% endfor %}{{ '<|im_end|>' }}{% endif -%}" +
  "{%- for message in messages %}{{ '<|im_start|>' + message.role + ' ' + message.content + '<|im_end|>' }}{% endfor -%}" +
  "{%- if add_generation_prompt %}{{ '<|im_start|>assistant' }}{% endif -%}";

/** `pooling`: llama.cpp's number of it; the model embeds then. */
export function tinyGguf(
  about: { readonly chat?: boolean; readonly pooling?: number } = {},
): Buffer {
  const { chat = true, pooling } = about;
  const values: Record<string, GgufValue> = {
    'general.architecture': 'llama',
    'general.name': 'tiny',
    'llama.context_length': { u32: tinyGgufContext },
    'llama.embedding_length': { u32: width },
    'llama.block_count': { u32: 1 },
    'llama.feed_forward_length': { u32: wide },
    'llama.attention.head_count': { u32: heads },
    'llama.attention.layer_norm_rms_epsilon': { f32: 1e-5 },
    'llama.rope.dimension_count': { u32: width / heads },
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
    ones('output_norm.weight'),
    outputWeights(),
    ones('blk.0.attn_norm.weight'),
    matrix('blk.0.attn_q.weight', width, width, 2),
    matrix('blk.0.attn_k.weight', width, width, 3),
    matrix('blk.0.attn_v.weight', width, width, 4),
    matrix('blk.0.attn_output.weight', width, width, 5),
    ones('blk.0.ffn_norm.weight'),
    matrix('blk.0.ffn_gate.weight', width, wide, 6),
    matrix('blk.0.ffn_up.weight', width, wide, 7),
    matrix('blk.0.ffn_down.weight', wide, width, 8),
  ]);
}
