import path from 'node:path';
import { formatManifest, type Manifest, type ManifestFile } from '../../protocol/manifest.ts';
import type { ModelId } from '../../protocol/model-id.ts';
import { AxonError } from '../axon-error.ts';
import { folderOf, formats } from '../formats/file-kinds.ts';
import { type IoSchema, ioSchema } from '../formats/onnx/io-schema.ts';
import { readOnnx } from '../formats/onnx/read-model.ts';
import type { Description, Pin } from '../hubs/hub.ts';
import type { Selection } from '../selection/select.ts';
import { byName, contentRevision } from './order.ts';

export interface ComposeInput {
  readonly id: ModelId;
  readonly pin: Pin;
  readonly description: Description;
  readonly selection: Pick<Selection, 'format' | 'variant' | 'run' | 'rule' | 'leftOut'>;
  readonly files: readonly ManifestFile[];
  /** The folder with the files. */
  readonly root: string;
}

/** Makes the manifest from what is known: the source's words, and what the files say themselves. */
export function composeManifest(input: ComposeInput): Manifest {
  const { id, pin, description, selection, root } = input;
  const files = [...input.files].sort(byName);
  const graph = selection.format === 'onnx' ? graphFacts(root, selection.run) : null;
  const { framework, execution } = formats[selection.format];
  const manifest: Manifest = {
    apiVersion: 'axon.mlos.io/v1',
    kind: 'Model',
    metadata: {
      name: id.name,
      namespace: id.namespace,
      version: id.version,
      ...text('description', description.description),
      license: description.license ?? 'unknown',
      ...text('homepage', description.homepage),
      ...(description.tags === undefined ? {} : { tags: [...description.tags] }),
    },
    spec: {
      framework: { name: framework },
      format: {
        type: selection.format,
        execution_format: execution,
        ...graph?.format,
        files,
        execution_files: selection.run.map((file) => ({
          path: file,
          format: execution,
          type: roleOf(file, selection.run.length),
        })),
      },
      ...(graph === null || graph.io === null ? {} : { io: graph.io }),
    },
    distribution: {
      source: {
        hub: pin.hub,
        id: pin.id,
        revision: pin.revision ?? contentRevision(files),
        ...(pin.url === null ? {} : { url: pin.url }),
      },
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

function text(key: 'description' | 'homepage', value: string | undefined): object {
  return value === undefined ? {} : { [key]: value };
}

function roleOf(file: string, count: number): string {
  if (count === 1) return 'single';
  return /(^|\/)(\w*?(encoder|decoder))\w*\.onnx$/.exec(file)?.[2] ?? 'single';
}

interface GraphFacts {
  readonly format: { ir_version: number; producer?: string; opsets: Record<string, number> };
  readonly io: IoSchema | null;
}

/** Of one graph its inputs and outputs; several graphs have no one list. */
function graphFacts(root: string, run: readonly string[]): GraphFacts | null {
  const [first] = run;
  if (first === undefined || first.endsWith('.ort')) return null;
  const model = readOnnx(path.join(root, first));
  return {
    format: {
      ir_version: model.irVersion,
      ...(model.producer ? { producer: model.producer.slice(0, 200) } : {}),
      opsets: Object.fromEntries(model.opsets),
    },
    io: run.length === 1 ? ioSchema(model) : null,
  };
}

/** Data files that the models to be run name, as paths of the package. */
export function neededData(root: string, run: readonly string[]): string[] {
  const names = run
    .filter((file) => file.endsWith('.onnx'))
    .flatMap((file) =>
      readOnnx(path.join(root, file)).externalFiles.map((name) => folderOf(file) + name),
    );
  return [...new Set(names)];
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
