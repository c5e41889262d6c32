import type { TaskName } from '../../../protocol/tasks/task.ts';
import { isTaskName } from '../../../protocol/tasks/task.ts';
import type { Signature } from '../../../protocol/tensor.ts';
import { imageVectors, textVectors } from './embedding-outputs.ts';
import type { PackageFacts } from './package-facts.ts';

/*
 * Which tasks a model can do: what its package declares, as far as the model's own inputs and outputs can.
 */

/** The Hub's other words for the same. */
const alsoCalled: Readonly<Record<string, TaskName>> = {
  'sentence-similarity': 'feature-extraction',
  ner: 'token-classification',
  'sentiment-analysis': 'text-classification',
  translation: 'text2text-generation',
  summarization: 'text2text-generation',
};

/** What the class that a model was saved from does, by the end of its name. */
const byArchitecture: readonly (readonly [RegExp, TaskName])[] = [
  [/ForSequenceClassification$/, 'text-classification'],
  [/ForTokenClassification$/, 'token-classification'],
  [/ForMaskedLM$/, 'fill-mask'],
  [/ForQuestionAnswering$/, 'question-answering'],
  [/(ForCausalLM|LMHeadModel)$/, 'text-generation'],
  [/(ForConditionalGeneration|MTModel)$/, 'text2text-generation'],
  [/ForImageClassification(WithTeacher)?$/, 'image-classification'],
  [/ForObjectDetection$/, 'object-detection'],
  [/For(Semantic|Instance|Panoptic|Universal)?Segmentation$/, 'image-segmentation'],
  [/ForAudioClassification$/, 'audio-classification'],
  [/ForCTC$/, 'automatic-speech-recognition'],
];

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

/** What a model itself says of its tensors. */
interface Tensors {
  takes(name: string): boolean;
  gives(name: string): boolean;
}

export interface Pair {
  /** Whether the package says what a model that writes what it hears needs. */
  readonly transcribes: boolean;
}

/** The most usual one first; empty: only tensors. */
export function findTasks(
  declared: string | null,
  facts: PackageFacts,
  signature: Signature,
  /** What an encoder with its decoder can do; then `signature` is the encoder's. */
  pair: Pair | null = null,
): TaskName[] {
  const tensors: Tensors = {
    gives: (name) => signature.outputs.some((output) => output.name === name),
    takes: (name) => signature.inputs.some((input) => input.name === name),
  };
  const wanted = declaredTask(declared, facts);
  const written = pair === null ? null : pairTask(wanted, pair, facts, tensors);
  if (written !== null) return [written];
  const reads = facts.hasTokenizer && tensors.takes('input_ids');
  const looks = facts.hasProcessor && tensors.takes('pixel_values');
  if (reads && looks) return tensors.gives('logits_per_image') ? [imageAndText] : [];
  if (reads) return textTasks(wanted, facts, tensors);
  if (looks) return imageTasks(wanted, tensors);
  const listens = facts.hasProcessor && audioInputs.some(tensors.takes);
  return listens ? audioTasks(wanted, facts, tensors) : [];
}

/** What an encoder with its decoder is for; null: as one model they are for nothing. */
function pairTask(
  wanted: TaskName | null,
  { transcribes }: Pair,
  { hasTokenizer, hasProcessor }: PackageFacts,
  { takes }: Tensors,
): TaskName | null {
  if (!hasTokenizer) return null;
  const listens = transcribes && hasProcessor && takes('input_features');
  if (listens) return 'automatic-speech-recognition';
  return wanted === 'text2text-generation' && takes('input_ids') ? wanted : null;
}

/** Of models that know how well each of some texts fits a picture. */
const imageAndText = 'zero-shot-image-classification';

function imageTasks(wanted: TaskName | null, { gives }: Tensors): TaskName[] {
  const embeds = imageVectors.some(gives);
  switch (wanted) {
    case 'object-detection':
      return gives('logits') && gives('pred_boxes') ? [wanted] : [];
    case 'image-segmentation':
      return gives('logits') || gives('masks_queries_logits') ? [wanted] : [];
    case 'image-classification':
      return [
        ...(gives('logits') ? [wanted] : []),
        ...(embeds ? (['image-feature-extraction'] as const) : []),
      ];
    default:
      return embeds ? ['image-feature-extraction'] : [];
  }
}

function audioTasks(wanted: TaskName | null, facts: PackageFacts, { gives }: Tensors): TaskName[] {
  if (!gives('logits')) return [];
  if (wanted === 'automatic-speech-recognition') return facts.hasTokenizer ? [wanted] : [];
  // Models of sound are saved from classes of the same names as those of text, too.
  const labels = wanted === 'audio-classification' || wanted === 'text-classification';
  return labels ? ['audio-classification'] : [];
}

function textTasks(wanted: TaskName | null, facts: PackageFacts, tensors: Tensors): TaskName[] {
  const embeds: TaskName[] = textVectors.some(tensors.gives) ? ['feature-extraction'] : [];
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
