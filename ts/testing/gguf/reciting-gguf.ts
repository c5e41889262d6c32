import { type GgufTensor, writeGguf } from './gguf-writer.ts';

/*
 * A model of llama's form that always says the same: each of its pieces is followed by the next. Every piece has a
 * direction of its own in the embedding, the layer adds nothing to it, and the output leads each direction on.
 */
const context = 512;
const headWidth = 16;
const begins = '<|im_start|>';
const control = ['<unk>', '<s>', '</s>', begins, '<|im_end|>'];
const end = control.indexOf('</s>');
const bytes = Array.from({ length: 256 }, (_, byte) => {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
});

/** Thinks and calls as templates of the field let models do; a reply begins after <|im_start|>. */
const chatTemplate =
  '{%- if tools %}{{ tools | tojson }}{% endif -%}' +
  "{%- for message in messages %}{{ '<|im_start|>' + message.role + ' ' + message.content + '<|im_end|>' }}{% endfor -%}" +
  "{#- replies are <think>…</think> and <tool_call>…</tool_call> -#}{{ '<|im_start|>' }}";

/** llama.cpp's token types: 2 unknown, 3 control, 4 whole wherever it stands, 6 byte. */
function typeOf(id: number): number {
  if (id === 0) return 2;
  if (id < control.length) return 3;
  return id < control.length + bytes.length ? 6 : 4;
}

function constant(name: string, dims: readonly number[], value: number): GgufTensor {
  const count = dims.reduce((product, one) => product * one, 1);
  return { name, dims, values: new Float32Array(count).fill(value) };
}

function layer(width: number): GgufTensor[] {
  const at = (name: string) => `blk.0.${name}.weight`;
  const square = ['attn_q', 'attn_k', 'attn_v', 'attn_output'];
  return [
    ...['attn_norm', 'ffn_norm'].map((name) => constant(at(name), [width], 1)),
    ...square.map((name) => constant(at(name), [width, width], 0)),
    ...['ffn_gate', 'ffn_up', 'ffn_down'].map((name) => constant(at(name), [width, width], 0)),
  ];
}

/** The bytes of a model that replies with `pieces`, no two of which may be the same. `<0xE2>` is one byte. */
export function recitingGguf(pieces: readonly string[], template = chatTemplate): Buffer {
  const vocabulary = [...new Set([...control, ...bytes, ...pieces])];
  const said = [control.indexOf(begins), ...pieces.map((one) => vocabulary.indexOf(one)), end];
  const width = Math.ceil(said.length / headWidth) * headWidth;
  const embedding = constant('token_embd.weight', [width, vocabulary.length], 0);
  const output = constant('output.weight', [width, vocabulary.length], 0);
  for (const [direction, token] of said.slice(0, -1).entries()) {
    embedding.values[token * width + direction] = 1;
    output.values[(said[direction + 1] as number) * width + direction] = 10;
  }
  const values = {
    'general.architecture': 'llama',
    'general.name': 'reciting',
    'llama.context_length': { u32: context },
    'llama.embedding_length': { u32: width },
    'llama.block_count': { u32: 1 },
    'llama.feed_forward_length': { u32: width },
    'llama.attention.head_count': { u32: width / headWidth },
    'llama.attention.layer_norm_rms_epsilon': { f32: 1e-5 },
    'llama.rope.dimension_count': { u32: headWidth },
    'tokenizer.ggml.model': 'llama',
    'tokenizer.ggml.tokens': { strings: vocabulary },
    'tokenizer.ggml.scores': { floats: vocabulary.map(() => 0) },
    'tokenizer.ggml.token_type': { ints: vocabulary.map((_, id) => typeOf(id)) },
    'tokenizer.ggml.bos_token_id': { u32: 1 },
    'tokenizer.ggml.eos_token_id': { u32: end },
    'tokenizer.ggml.add_bos_token': true,
    'tokenizer.chat_template': template,
  };
  return writeGguf(values, [
    embedding,
    constant('output_norm.weight', [width], 1),
    output,
    ...layer(width),
  ]);
}
