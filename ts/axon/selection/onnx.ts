import { folderOf, nameOf } from '../formats/file-kinds.ts';
import type { Candidate, Found } from './candidate.ts';
import { groupBy, type Listing, pipelineOf } from './listing.ts';

/*
 * ONNX: a model is one session or several that work together, each a file `{session}{_dtype}.onnx`.
 * 1. `model` is the whole by itself.
 * 2. Else the first group of sessions whose required members are there is one candidate for each dtype.
 *    A member that a dtype lacks is taken plain; without a plain one the candidate is incomplete.
 * 3. `decoder_model_merged` does the work of `decoder_model` and `decoder_with_past_model`.
 * 4. Parts of a diffusion pipeline are one candidate.
 * 5. Files that are none of that stand alone.
 */
export const onnxDtypes: readonly string[] =
  'fp16 bf16 int8 uint8 int4 quantized q8 q4 q4f16 bnb4 q2 q2f16 q1 q1f16 optimized'.split(' ');
const dtypeSuffix = new RegExp(`_(${onnxDtypes.join('|')})$`);

/** Members ending in `?` come along where they are. */
const groups: readonly (readonly string[])[] = [
  ['text_encoder', 'decoder_model_merged', 'encodec_decode'],
  ['embed_tokens', 'decoder_model_merged', 'vision_encoder?', 'audio_encoder?'],
  ['encoder_model', 'decoder_model_merged'],
  ['encoder_model', 'decoder_model', 'decoder_with_past_model?'],
  ['vision_encoder', 'prompt_encoder_mask_decoder'],
  ['text_model', 'vision_model'],
  ['decoder_model_merged'],
  ['decoder_model', 'decoder_with_past_model?'],
];

interface OnnxFile {
  readonly path: string;
  readonly dir: string;
  readonly session: string;
  readonly variant: string;
}

function onnxFile(path: string): OnnxFile {
  const dir = folderOf(path);
  const stem = nameOf(path).replace(/\.(onnx|ort)$/, '');
  const variant = dtypeSuffix.exec(stem)?.[1] ?? '';
  const session = variant === '' ? stem : stem.slice(0, -variant.length - 1);
  return { path, dir, session, variant };
}

type Sessions = ReadonlyMap<string, ReadonlyMap<string, string>>;

export function onnxCandidates(listing: Listing): Found {
  const data = dataFiles(listing);
  const pipelines = new Set(listing.pipelines());
  const aside = new Map<string, string>();
  const files = listing.of('onnx').map(onnxFile);
  const parts = files.filter((file) => pipelineOf(file.path, pipelines) !== null);
  const alone = files.filter((file) => pipelineOf(file.path, pipelines) === null);
  const made = [
    ...[...groupBy(parts, (file) => folderOf(file.dir.slice(0, -1)))].flatMap(([dir, group]) =>
      together(
        dir,
        sessionsOf(group, (file) => file.dir),
        null,
        -1,
      ),
    ),
    ...[...groupBy(alone, (file) => file.dir)].flatMap(([dir, group]) =>
      inFolder(dir, group, aside),
    ),
  ];
  const candidates = made.map((candidate) => ({
    ...candidate,
    needs: candidate.run.flatMap((path) => data.get(path) ?? []),
  }));
  return { candidates, aside };
}

/** Data files by their usual names; what the model really names is checked once it is here. */
function dataFiles({ paths }: Listing): Map<string, string[]> {
  const owned = paths.flatMap((path) => {
    const end = path.lastIndexOf('.onnx') + '.onnx'.length;
    const isData = /^(\.data|_data(_\d{1,3})?)$/.test(path.slice(end));
    return isData ? [{ path, owner: path.slice(0, end) }] : [];
  });
  const groups = groupBy(owned, (file) => file.owner);
  return new Map([...groups].map(([owner, list]) => [owner, list.map((file) => file.path)]));
}

/** session → variant → path. An .ort file beside its .onnx comes second and is not looked at. */
function sessionsOf(files: readonly OnnxFile[], keyOf: (file: OnnxFile) => string): Sessions {
  const sessions = new Map<string, Map<string, string>>();
  for (const file of files) {
    const key = keyOf(file);
    const variants = sessions.get(key) ?? new Map<string, string>();
    if (!variants.has(file.variant)) variants.set(file.variant, file.path);
    sessions.set(key, variants);
  }
  return sessions;
}

function inFolder(
  dir: string,
  files: readonly OnnxFile[],
  aside: Map<string, string>,
): Candidate[] {
  const sessions = sessionsOf(files, (file) => file.session);
  const group = groups.find((members) => members.every((m) => m.endsWith('?') || sessions.has(m)));
  const model = sessions.get('model');
  if (model !== undefined && (model.has('') || group === undefined)) {
    noteRest(files, new Set(['model']), 'model does its work', aside);
    return [...model].map(([variant, path]) => single(dir, variant, path));
  }
  if (group !== undefined) {
    const members = new Set(group.map((member) => member.replace('?', '')));
    noteRest(files, members, `${[...members].join(' and ')} do its work`, aside);
    return together(dir, sessions, group, 0);
  }
  return files.map(({ variant, path }) => single(dir, variant, path));
}

function noteRest(
  files: readonly OnnxFile[],
  members: ReadonlySet<string>,
  why: string,
  aside: Map<string, string>,
): void {
  for (const file of files) if (!members.has(file.session)) aside.set(file.path, why);
}

function single(dir: string, variant: string, path: string): Candidate {
  return { format: 'onnx', variant, dir, rank: 0, run: [path], needs: [], missing: null };
}

/** Rules 2 and 4: one candidate for each dtype of any member. */
function together(
  dir: string,
  sessions: Sessions,
  group: readonly string[] | null,
  rank: number,
): Candidate[] {
  const members = (group ?? [...sessions.keys()]).map((member) => member.replace('?', ''));
  const present = members.filter((member) => sessions.has(member));
  const variants = new Set(present.flatMap((member) => [...(sessions.get(member)?.keys() ?? [])]));
  return [...variants].sort().map((variant) => {
    const found = present.map((member) => {
      const session = sessions.get(member);
      return { member, path: session?.get(variant) ?? session?.get('') ?? null };
    });
    const lacks = found.flatMap(({ member, path }) => (path === null ? [member] : []));
    return {
      format: 'onnx',
      variant,
      dir,
      rank,
      run: found.flatMap(({ path }) => path ?? []),
      needs: [],
      missing: lacks.length === 0 ? null : `${lacks.join(', ')} is missing`,
    };
  });
}
