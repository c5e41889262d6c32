import type { TaskName } from '../../../protocol/tasks/task.ts';
import { isTaskName } from '../../../protocol/tasks/task.ts';
import type { Signature } from '../../../protocol/tensor.ts';
import type { PackageFacts } from './package-facts.ts';

/*
 * Which tasks a model can do: what its package declares, as far as the model's own inputs and outputs can.
 */

/** The Hub's other words for the same. */
const alsoCalled: Readonly<Record<string, TaskName>> = {
  'sentence-similarity': 'feature-extraction',
  ner: 'token-classification',
  'sentiment-analysis': 'text-classification',
};

/** What the class that a model was saved from does, by the end of its name. */
const byArchitecture: readonly (readonly [RegExp, TaskName])[] = [
  [/ForSequenceClassification$/, 'text-classification'],
  [/ForTokenClassification$/, 'token-classification'],
  [/ForMaskedLM$/, 'fill-mask'],
  [/ForQuestionAnswering$/, 'question-answering'],
  [/(ForCausalLM|LMHeadModel)$/, 'text-generation'],
  [/ForImageClassification$/, 'image-classification'],
  [/ForObjectDetection$/, 'object-detection'],
  [/ForCTC$/, 'automatic-speech-recognition'],
];

/** Models of sound are saved from classes of the same names as those of text. */
const audioInputs = ['input_values', 'input_features'];

function declaredTask(declared: string | null, facts: PackageFacts): TaskName | null {
  if (declared !== null && isTaskName(declared)) return declared;
  if (declared !== null && Object.hasOwn(alsoCalled, declared)) return alsoCalled[declared] ?? null;
  const architectures = facts.config['architectures'];
  const name = Array.isArray(architectures) ? String(architectures[0]) : '';
  const found = byArchitecture.find(([pattern]) => pattern.test(name));
  if (found !== undefined) return found[1];
  return facts.pooling === null ? null : 'feature-extraction';
}

const vectorOutputs = [
  'sentence_embedding',
  'last_hidden_state',
  'token_embeddings',
  'image_embeds',
  'pooler_output',
];

/** What a model itself says of its tensors. */
interface Tensors {
  takes(name: string): boolean;
  gives(name: string): boolean;
  /** Its outputs hold vectors for whoever wants an embedding. */
  readonly givesVectors: boolean;
}

/** The most usual one first; empty: only tensors. */
export function findTasks(
  declared: string | null,
  facts: PackageFacts,
  signature: Signature,
): TaskName[] {
  const gives = (name: string) => signature.outputs.some((output) => output.name === name);
  const tensors: Tensors = {
    gives,
    takes: (name) => signature.inputs.some((input) => input.name === name),
    givesVectors: vectorOutputs.some(gives),
  };
  const wanted = declaredTask(declared, facts);
  if (facts.hasTokenizer && tensors.takes('input_ids')) return textTasks(wanted, facts, tensors);
  if (!facts.hasProcessor) return [];
  if (tensors.takes('pixel_values')) return imageTasks(wanted, tensors);
  return audioInputs.some(tensors.takes) ? audioTasks(wanted, facts, tensors) : [];
}

function imageTasks(wanted: TaskName | null, { gives, givesVectors }: Tensors): TaskName[] {
  if (wanted === 'object-detection') return gives('logits') && gives('pred_boxes') ? [wanted] : [];
  if (wanted === 'image-segmentation') return gives('logits') ? [wanted] : [];
  const labels: TaskName[] = gives('logits') ? ['image-classification'] : [];
  return [...labels, ...(givesVectors ? (['image-feature-extraction'] as const) : [])];
}

function audioTasks(wanted: TaskName | null, facts: PackageFacts, { gives }: Tensors): TaskName[] {
  if (!gives('logits')) return [];
  if (wanted === 'automatic-speech-recognition') return facts.hasTokenizer ? [wanted] : [];
  const labels = wanted === 'audio-classification' || wanted === 'text-classification';
  return labels ? ['audio-classification'] : [];
}

function textTasks(wanted: TaskName | null, facts: PackageFacts, tensors: Tensors): TaskName[] {
  const embeds: TaskName[] = tensors.givesVectors ? ['feature-extraction'] : [];
  if (wanted === 'question-answering') {
    const answers = tensors.gives('start_logits') && tensors.gives('end_logits');
    return answers ? [wanted] : embeds;
  }
  if (!tensors.gives('logits')) return embeds;
  switch (wanted) {
    case 'fill-mask':
      // A text without a gap has an embedding nonetheless.
      return [...embeds, wanted];
    case 'text-classification':
    case 'zero-shot-classification':
    case 'text-ranking':
      return [...classification(wanted, facts), ...embeds];
    case 'token-classification':
    case 'text-generation':
      return [wanted, ...embeds];
    default:
      return embeds;
  }
}

/** A model of one label ranks; one that knows entailment also takes labels that it was not trained on. */
function classification(wanted: TaskName, { config }: PackageFacts): TaskName[] {
  const labels = Object.values((config['id2label'] ?? {}) as Record<string, unknown>);
  if (wanted === 'text-ranking' || labels.length === 1) return ['text-ranking'];
  const infers = labels.some((label) => /^entail/i.test(String(label)));
  if (!infers) return ['text-classification'];
  return wanted === 'zero-shot-classification'
    ? ['zero-shot-classification', 'text-classification']
    : ['text-classification', 'zero-shot-classification'];
}
