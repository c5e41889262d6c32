import { formatManifest, type Manifest, type ManifestFile } from '../../protocol/manifest.ts';
import type { ModelId } from '../../protocol/model-id.ts';
import type { MultiEncoder } from '../../protocol/multi-encoder.ts';
import { timestampPattern } from '../../protocol/timestamp.ts';
import { AxonError } from '../axon-error.ts';
import { configFacts } from '../formats/config-facts.ts';
import { folderOf, formats, nameOf } from '../formats/file-kinds.ts';
import { readFacts } from '../formats/read-facts.ts';
import type { PickleFacts } from '../formats/torch/pickle-facts.ts';
import type { Description, Pin } from '../hubs/hub.ts';
import type { Selection } from '../selection/select.ts';
import { byName, contentRevision } from './order.ts';
import { publicAddress } from './public-address.ts';

export interface ComposeInput {
  readonly id: ModelId;
  readonly pin: Pin;
  readonly description: Description;
  readonly selection: Pick<Selection, 'format' | 'variant' | 'run' | 'rule' | 'leftOut'>;
  readonly files: readonly ManifestFile[];
  /** What can be said of the licence where neither the source nor the model states one. */
  readonly licenseFile: string | undefined;
  /** What the pickles among the files are, null where there are none. */
  readonly pickle: PickleFacts | null;
  /** The folder with the files. */
  readonly root: string;
}

/** Makes the manifest from what is known: the source's words, and what the files say themselves. */
export function composeManifest(input: ComposeInput): Manifest {
  const { id, pin, description, selection, root } = input;
  const files = [...input.files].sort(byName);
  const names = files.map((file) => file.path);
  const facts = readFacts(selection.format, root, selection.run, names);
  const config = configFacts(root, names);
  const { framework, execution } = formats[selection.format];
  const manifest: Manifest = {
    apiVersion: 'axon.mlos.io/v1',
    kind: 'Model',
    metadata: {
      name: id.name,
      namespace: id.namespace,
      version: id.version,
      ...stated(description),
      license: description.license ?? facts.license ?? input.licenseFile ?? 'unknown',
      ...(description.tags === undefined ? {} : { tags: [...description.tags] }),
    },
    spec: {
      framework: facts.framework ?? { name: framework },
      format: {
        type: selection.format,
        execution_format: execution,
        ...multiEncoder(selection.run.map((file) => roleOf(file, selection.run.length))),
        ...facts.format,
        ...input.pickle,
        ...(config?.wantsCode === true ? { remote_code: remoteCode(names) } : {}),
        files,
        execution_files: selection.run.map((file) => ({
          path: file,
          format: execution,
          type: roleOf(file, selection.run.length),
        })),
      },
      ...modelOf({
        ...(config?.architecture ? { architecture: config.architecture } : {}),
        ...facts.model,
      }),
      ...(facts.io ? { io: facts.io } : {}),
    },
    distribution: {
      source: {
        hub: pin.hub,
        id: publicAddress(pin.id),
        revision: pin.revision ?? contentRevision(files),
        ...(pin.url === null ? {} : { url: publicAddress(pin.url) }),
      },
      ...(description.conversion === undefined ? {} : { conversion: description.conversion }),
      selection: {
        rule: selection.rule.slice(0, 1_000),
        format: selection.format,
        variant: selection.variant.slice(0, 200) || 'plain',
        excluded: selection.leftOut.length,
        bytes: selection.leftOut.reduce((total, { size }) => total + (size ?? 0), 0),
      },
    },
  };
  return manifest;
}

/** Of what the source states what a manifest has a place for; a time that is none is not stated. */
function stated(source: Description): Partial<Manifest['metadata']> {
  const { description, task, library, homepage, documentation } = source;
  const { authors, created, updated } = source;
  const words = { description, task, library, homepage, documentation };
  const times = { created, updated };
  return Object.fromEntries(
    [
      ...Object.entries(words),
      ...Object.entries(times).filter(([, time]) => time !== undefined && timestamp.test(time)),
      ['authors', authors?.map(({ name }) => ({ name: name.slice(0, 200) }))],
    ].filter(([, value]) => value !== undefined),
  );
}

const timestamp = new RegExp(timestampPattern);

/** Several files that run together: what they are to each other. */
function multiEncoder(roles: readonly string[]): { multi_encoder?: MultiEncoder } {
  if (roles.length < 2) return {};
  const has = (part: string) => roles.filter((role) => role.includes(part)).length;
  if (has('decoder') > 0 && has('encoder') > 0) return { multi_encoder: 'encoder-decoder' };
  return { multi_encoder: has('encoder') > 1 ? 'multi-encoder' : 'multi-model' };
}

function modelOf(model: NonNullable<Manifest['spec']['model']>): Pick<Manifest['spec'], 'model'> {
  return Object.keys(model).length === 0 ? {} : { model };
}

function remoteCode(names: readonly string[]): 'included' | 'left-out' {
  return names.some((name) => name.endsWith('.py')) ? 'included' : 'left-out';
}

/** What a file does among several: its session, or in a pipeline its folder. */
function roleOf(file: string, count: number): string {
  if (count === 1) return 'single';
  const session = /^(\w*?(encoder|decoder))\w*\.onnx$/.exec(nameOf(file))?.[1];
  return session ?? (nameOf(folderOf(file).slice(0, -1)).slice(0, 64) || 'single');
}

/** The manifest's text, or the error that says what is too much. */
export function manifestText(manifest: Manifest): string {
  try {
    return formatManifest(manifest);
  } catch (error) {
    throw new AxonError(
      'INVALID_PACKAGE',
      `The manifest of ${manifest.spec.format.files.length} files is over its limits: ${error instanceof Error ? error.message : String(error)} Take fewer files with --include or --exclude.`,
      { cause: error },
    );
  }
}
