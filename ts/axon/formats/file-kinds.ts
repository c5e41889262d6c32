/** Formats of model files, in the order in which one is preferred when nothing else decides. */
export const formats = {
  onnx: { framework: 'onnx', execution: 'onnx' },
  safetensors: { framework: 'unknown', execution: 'safetensors' },
  gguf: { framework: 'gguf', execution: 'gguf' },
  saved_model: { framework: 'tensorflow', execution: 'tensorflow' },
  tflite: { framework: 'tensorflow', execution: 'tflite' },
  keras: { framework: 'keras', execution: 'keras' },
  pytorch: { framework: 'pytorch', execution: 'pytorch' },
} as const;

export type Format = keyof typeof formats;
export const formatNames = Object.keys(formats) as readonly Format[];

export function isFormat(text: string): text is Format {
  return Object.hasOwn(formats, text);
}

const byEnding: readonly (readonly [Format, RegExp])[] = [
  ['onnx', /\.(onnx|ort)$/],
  ['gguf', /\.gguf$/],
  ['safetensors', /\.safetensors$/],
  ['tflite', /\.tflite$/],
  ['saved_model', /(^|\/)saved_model\.pb$/],
  ['keras', /\.(keras|h5|hdf5)$/],
  [
    'pytorch',
    /\.(pth|pt|ckpt|pth\.tar)$|(^|\/)([^/]*pytorch_model|adapter_model|pytorch_lora_weights|learned_embeds)[^/]*\.bin$|(^|\/)model(\.\w+)?(-\d{5}-of-\d{5})?\.bin$/,
  ],
];

/** The format that a file name says, or null for a file that is not a model by itself. */
export function formatOf(path: string): Format | null {
  return byEnding.find(([, ending]) => ending.test(path))?.[0] ?? null;
}

const sideNames: ReadonlySet<string> = new Set(
  (
    'config.json generation_config.json configuration.json preprocessor_config.json processor_config.json ' +
    'image_processor_config.json video_preprocessor_config.json feature_extractor_config.json ' +
    'scheduler_config.json adapter_config.json quantize_config.json model_index.json modules.json ' +
    'config_sentence_transformers.json sentence_bert_config.json tokenizer.json tokenizer_config.json ' +
    'special_tokens_map.json added_tokens.json vocab.txt vocab.json merges.txt tekken.json ' +
    'chat_template.json chat_template.jinja labels.txt README.md package.json'
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

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
