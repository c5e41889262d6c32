import type { PluginTaskRequest, TaskEntry } from '../../smi/serve.ts';
import { generate } from './generation.ts';

/*
 * Tasks of the fake plugin, for models whose file reads `tasks`, or `tasks` and the name of one. Embeddings are two
 * numbers: the length of the text, and 1. The label of a picture is how many bytes it has, and where it was asked to
 * run. A recording says its text, word by word, a second each; `+` at its beginning adds the request's parameters.
 */
export const fakeTasks: readonly TaskEntry[] = [
  { name: 'text-generation', facts: { chat: true, context_length: 1_000 } },
  { name: 'feature-extraction', facts: { pooling: 'mean', dimensions: 2 } },
  { name: 'image-classification', facts: {} },
  { name: 'question-answering', facts: {} },
  { name: 'automatic-speech-recognition', facts: {} },
];

function embed(text: string) {
  const vector = Float32Array.of(text.length, 1);
  return {
    embedding: { float32: new Uint8Array(vector.buffer), shape: [2] },
    tokens: text.split(' ').length,
  };
}

function look({ inputs, parameters, priority }: PluginTaskRequest) {
  const labels = (image: Uint8Array) => ({
    labels: [
      { label: `${image.byteLength} bytes`, score: 0.75 },
      { label: `priority ${priority}`, score: 0.25 },
    ].slice(0, Number(parameters['top_k'] ?? 2)),
  });
  const image = inputs['image'] as Uint8Array | readonly Uint8Array[];
  return image instanceof Uint8Array ? labels(image) : image.map(labels);
}

function hear({ inputs, parameters, emit }: PluginTaskRequest) {
  const said = Buffer.from(inputs['audio'] as Uint8Array).toString();
  const text = said.startsWith('+') ? `${said.slice(1)} ${JSON.stringify(parameters)}` : said;
  const words = text.split(' ');
  for (const [index, word] of words.entries()) {
    emit({ text: index === 0 ? word : ` ${word}`, tokens: 1 });
  }
  const { timestamps } = parameters;
  const end = words.length;
  const segments =
    timestamps === 'word'
      ? words.map((word, start) => ({ text: word, start, end: start + 1 }))
      : [{ text, start: 0, end }];
  return {
    ...{ text, duration: end, language: 'en' },
    ...(timestamps === undefined || timestamps === 'none' ? {} : { segments }),
  };
}

export async function runFakeTask(request: PluginTaskRequest) {
  if (request.task === 'text-generation') return generate(request);
  if (request.task === 'image-classification') return look(request);
  if (request.task === 'automatic-speech-recognition') return hear(request);
  if (request.task === 'question-answering') {
    return { answers: [{ text: String(request.inputs['context']), score: 0.5 }] };
  }
  const text = request.inputs['text'] as string | readonly string[];
  return typeof text === 'string' ? embed(text) : text.map(embed);
}
