/** Formats of model files, in the order in which one is preferred when nothing else decides. */
export const formats = {
  onnx: { framework: 'onnx', execution: 'onnx' },
  gguf: { framework: 'gguf', execution: 'gguf' },
  safetensors: { framework: 'unknown', execution: 'safetensors' },
  saved_model: { framework: 'tensorflow', execution: 'tensorflow' },
  tflite: { framework: 'tensorflow', execution: 'tflite' },
  pytorch: { framework: 'pytorch', execution: 'pytorch' },
} as const;

export type Format = keyof typeof formats;
export const formatNames = Object.keys(formats) as readonly Format[];

export function isFormat(text: string): text is Format {
  return Object.hasOwn(formats, text);
}

/** The format that a file name says, or null for a file that is not a model by itself. */
export function formatOf(path: string): Format | null {
  if (path.endsWith('.onnx') || path.endsWith('.ort')) return 'onnx';
  if (path.endsWith('.gguf')) return 'gguf';
  if (path.endsWith('.safetensors')) return 'safetensors';
  if (path.endsWith('.tflite')) return 'tflite';
  if (/(^|\/)saved_model\.pb$/.test(path)) return 'saved_model';
  if (/\.(pth|pt|ckpt)$|(^|\/)pytorch_model[^/]*\.bin$/.test(path)) return 'pytorch';
  return null;
}

const sideNames: ReadonlySet<string> = new Set(
  (
    'config.json generation_config.json configuration.json preprocessor_config.json processor_config.json ' +
    'image_processor_config.json feature_extractor_config.json model_index.json modules.json ' +
    'config_sentence_transformers.json sentence_bert_config.json tokenizer.json tokenizer_config.json ' +
    'special_tokens_map.json added_tokens.json vocab.txt vocab.json merges.txt chat_template.json ' +
    'chat_template.jinja labels.txt README.md package.json'
  ).split(' '),
);

/** Files that a model needs or that speak about it: configuration, tokenizer, licence, card. */
export function isSideFile(path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return (
    sideNames.has(name) ||
    /^(LICEN[CS]E|NOTICE|USE_POLICY|COPYING)/i.test(name) ||
    /\.(tiktoken|spm)$|^(tokenizer|spiece|sentencepiece\.bpe)\.model$/.test(name)
  );
}

export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}
