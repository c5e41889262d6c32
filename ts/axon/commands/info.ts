import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Conversion, Manifest } from '../../protocol/manifest.ts';
import { formatModelId } from '../../protocol/model-id.ts';
import type { Context } from '../context.ts';
import { findPickles, type PickleFacts, pickleFacts } from '../formats/torch/pickle-facts.ts';
import type { Description, PackageSource } from '../hubs/hub.ts';
import { licenseFile } from '../hubs/license-file.ts';
import { parseSpec } from '../hubs/registry.ts';
import { broughtFrom, claimedBy, placeOf, whereFrom } from '../install/brought.ts';
import { manifestOf, needsOf } from '../install/dry-run-package.ts';
import { formatBytes } from '../render/format.ts';
import { findInstalled, readManifest } from '../store/catalog.ts';
import type { Brought } from '../store/metadata.ts';
import { type AddCommand, type JsonFlag, withExample } from './command.ts';

export const addInfo: AddCommand = (program, run) => {
  withExample(
    program
      .command('info <model>')
      .description('what is known about a model: installed, or asked of its hub'),
    'axon info hf/org/model@latest',
  ).action((text: string, flags: JsonFlag) =>
    run(flags.json === true, async (context) => {
      const found = findInstalled(context.layout, text);
      if (found === null) return askHub(text, context);
      const { dir } = found;
      const manifest = readManifest(dir);
      const pickles = picklesOf(manifest, dir);
      const from = whereFrom(dir, manifest, context);
      context.output.result(
        { installed: true, path: dir, from, manifest, ...(pickles === null ? {} : { pickles }) },
        describe(manifest, { pickles, dir, from }, context),
      );
    }),
  );
};

/** As their bytes say; manifests of earlier releases may say nothing of them. */
function picklesOf({ spec }: Manifest, dir: string): PickleFacts | null {
  const names = spec.format.files.map((file) => file.path);
  const isThere = (name: string) => fs.existsSync(path.join(dir, name));
  return pickleFacts(findPickles(dir, names.filter(isThere)));
}

/** What is known of a model besides its manifest. */
interface Found {
  readonly pickles: PickleFacts | null;
  /** Null for a package that is not installed. */
  readonly dir: string | null;
  readonly from: Brought | null;
  readonly more?: readonly Row[];
}

function describe(
  manifest: Manifest,
  { pickles, dir, from, more = [] }: Found,
  { output }: Context,
): string[] {
  const { metadata, spec, distribution } = manifest;
  const bytes = spec.format.files.reduce((total, file) => total + file.size, 0);
  const tensors = (
    spec.io === undefined
      ? []
      : [
          ...spec.io.inputs.map((t) => ['input', t] as const),
          ...spec.io.outputs.map((t) => ['output', t] as const),
        ]
  ).map(
    ([kind, tensor]) =>
      `  ${kind}  ${tensor.name}  ${tensor.dtype}[${(tensor.dims ?? tensor.shape).map((dim) => dim ?? '?').join(', ')}]`,
  );
  const rows: Row[] = [
    ...statedRows(metadata),
    ['format', `${spec.format.type}, run as ${spec.format.execution_format}`],
    ...sourceRows(from, claimedBy(manifest)),
    ...factRows(spec, pickles),
    ['files', `${spec.format.files.length}, ${formatBytes(bytes)}`],
    ['chosen', distribution?.selection?.rule],
    ['made of', conversionOf(distribution?.conversion)],
    ['path', dir ?? undefined],
    ...more,
  ];
  const title = output.paint('bold', formatModelId(metadata));
  return [dir === null ? `${title} (not installed)` : title, ...textRows(rows), ...tensors];
}

type Row = readonly [name: string, value: string | undefined];

function textRows(rows: readonly Row[]): string[] {
  return rows.flatMap(([name, value]) => (value ? [`  ${name.padEnd(9)} ${value}`] : []));
}

/** What the source states, installed or not. */
function statedRows(about: Description): Row[] {
  return [
    ['about', about.description],
    ['license', about.license],
    ['authors', about.authors?.map(({ name }) => name).join(', ')],
    ['task', about.task],
    ['library', about.library],
    ['tags', about.tags?.slice(0, 20).join(', ')],
    ['created', about.created],
    ['updated', about.updated],
    ['homepage', about.homepage],
  ];
}

/** Where it came from, and, of a package, what its manifest says of that, which nobody compared. */
function sourceRows(from: Brought | null, claimed: Brought | null): Row[] {
  const pinned = (place: Brought) => `${placeOf(place)}, ${place.revision ?? 'no revision'}`;
  const isPackage = from?.kind === 'package';
  // The address with its query is noted only; a revision may stand in the manifest only.
  const files = claimed === null ? null : { ...claimed, id: from?.id ?? claimed.id };
  const [source, says] = isPackage ? [from, claimed] : [files, null];
  return [
    ['source', source === null ? undefined : pinned(source)],
    ['claims', says === null ? undefined : `to be ${pinned(says)}`],
  ];
}

function conversionOf(conversion: Conversion | undefined): string | undefined {
  if (conversion === undefined) return undefined;
  const { from, route, max_rel: share, trials } = conversion;
  return `${from} by way of ${route}; ${(100 * share).toPrecision(2)} % apart at most in ${trials} random inputs`;
}

/** What the files say of the model themselves, and what loading them could do. */
function factRows(
  { framework, format, model = {} }: Manifest['spec'],
  pickles: PickleFacts | null,
): [string, string | undefined][] {
  const { parameters, dtypes = {}, tensors, context_length: context } = model;
  const each = Object.entries(dtypes).map(([dtype, count]) => `${count} ${dtype}`);
  return [
    [
      'made with',
      framework.version === undefined ? undefined : `${framework.name} ${framework.version}`,
    ],
    ['model', [model.name, model.architecture].filter(Boolean).join(', ')],
    [
      'weights',
      parameters === undefined ? undefined : `${parameters} parameters (${each.join(', ')})`,
    ],
    ['tensors', tensors === undefined ? undefined : String(tensors)],
    ['quant', model.quantization],
    ['context', context === undefined ? undefined : `${context} tokens`],
    [
      'chat',
      model.chat_template === undefined
        ? undefined
        : model.chat_template
          ? 'has a template'
          : 'no template',
    ],
    [
      'calls',
      model.signatures === undefined
        ? undefined
        : model.signatures.join(', ') || 'no signatures stated',
    ],
    ['pickle', [pickles?.pickle, pickles?.pickle_names?.join(', ')].filter(Boolean).join(': ')],
    ['code', format.remote_code === undefined ? undefined : `wanted, ${format.remote_code}`],
  ];
}

/** What the hub says. npm says it only in the package itself, which is then fetched to a folder that goes away. */
async function askHub(text: string, context: Context): Promise<void> {
  const spec = parseSpec(text, context);
  const source = await spec.resolve(context);
  if (source.kind === 'package') return showPackage(source, context);
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'axon-info-'));
  try {
    const files = await source.plan(work);
    const about = source.describe();
    const license = about.license ?? licenseFile(files) ?? 'unknown';
    const id = formatModelId(spec.id);
    const listed = files.map((file) => ({ path: file.path, size: file.size }));
    context.output.result(
      { installed: false, id, source: source.pin, ...about, license, files: listed },
      [
        `${id} (not installed)`,
        ...textRows([
          ...statedRows({ ...about, license }),
          ['source', `${source.pin.hub} ${source.pin.id}, ${source.pin.revision ?? 'no revision'}`],
          ['files', String(files.length)],
        ]),
        ...fileLines(listed),
      ],
    );
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}

/** What its manifest says. Its files are not fetched, so what they are is not known. */
async function showPackage(source: PackageSource, context: Context): Promise<void> {
  const manifest = await manifestOf(source);
  const { metadata, spec } = manifest;
  const from = broughtFrom(source);
  const needs = needsOf(manifest);
  const more: Row[] = [
    ['pickles', needs.allow_pickle.join(', ')],
    ['programs', needs.allow_code.join(', ')],
  ];
  context.output.result(
    {
      installed: false,
      id: formatModelId(metadata),
      source: source.pin,
      from,
      manifest,
      may_need: needs,
    },
    [
      ...describe(manifest, { pickles: null, dir: null, from, more }, context),
      ...fileLines(spec.format.files),
    ],
  );
}

function fileLines(files: readonly { readonly path: string; readonly size: number | null }[]) {
  return files.map(
    ({ path: name, size }) => `    ${name}  ${size === null ? '' : formatBytes(size)}`,
  );
}
