import { stringify } from 'yaml';
import { MlosError } from './errors.ts';
import { explain } from './explain-schema.ts';
import { fromEarlierRelease } from './former-manifest.ts';
import { manifestSchema } from './generated/manifest.ts';
import { limits } from './limits.ts';
import type { Manifest } from './manifest-schema.ts';
import { parseBoundedYaml } from './manifest-yaml.ts';
import { formatModelId, type ModelId, parseModelId } from './model-id.ts';

export type {
  Conversion,
  Manifest,
  ManifestExecutionFile,
  ManifestFile,
  ManifestPipeline,
  ManifestState,
  ManifestTensor,
  VerifiedBy,
} from './manifest-schema.ts';

/** The execution format of a package that is other models, one after the other. */
export const pipelineFormat = 'pipeline';

function fail(what: string, message: string, cause?: unknown): never {
  throw new MlosError('INVALID_MANIFEST', `${what}: ${message}`, { cause });
}

/**
 * Whether a name may be a file of a package: relative, `/` between segments, none of them empty,
 * `.` or `..`, no backslash, drive letter, control or invisible character, or half of one. So joining it to a folder stays there.
 */
export function isPackagePath(path: string): boolean {
  if (path.length === 0 || path.length > 1024 || /^[A-Za-z]:/.test(path)) return false;
  if (/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\\]/u.test(path)) return false;
  return path
    .split('/')
    .every(
      (part) => part !== '' && part !== '.' && part !== '..' && Buffer.byteLength(part) <= 255,
    );
}

/** Equal for names that a file system may take for one: composed or not, whichever case. */
export function foldedPath(path: string): string {
  // By way of upper case: it takes apart what has no single capital, such as the sharp s.
  return path.normalize('NFC').toLowerCase().toUpperCase().toLowerCase().normalize('NFC');
}

function checkPaths(manifest: Manifest, what: string): void {
  const { files, execution_files: executable = [] } = manifest.spec.format;
  const seen = new Map<string, string>();
  for (const { path } of files) {
    if (!isPackagePath(path))
      fail(what, `spec.format.files: ${JSON.stringify(path)} is not a path inside the package.`);
    const twin = seen.get(foldedPath(path));
    if (twin !== undefined)
      fail(what, `spec.format.files: ${JSON.stringify(path)} and ${JSON.stringify(twin)} collide.`);
    seen.set(foldedPath(path), path);
  }
  for (const { path } of executable) {
    if (seen.get(foldedPath(path)) !== path)
      fail(what, `spec.format.execution_files: ${JSON.stringify(path)} is not among the files.`);
  }
}

/** Whatever reads a manifest makes folders of its id: it has to be one. */
function checkId({ metadata: { namespace, name, version } }: Manifest, what: string): void {
  const isOwn = (id: ModelId) =>
    id.namespace === namespace && id.name === name && id.version === version;
  try {
    if (isOwn(parseModelId(formatModelId({ namespace, name, version })))) return;
  } catch (error) {
    fail(what, `metadata: ${(error as Error).message}`, error);
  }
  fail(what, `metadata: namespace ${JSON.stringify(namespace)} is more than one part of an id.`);
}

/** A pipeline is its manifest; anything else has files. */
function checkKind({ spec: { format, pipeline } }: Manifest, what: string): void {
  const isPipeline = format.execution_format === pipelineFormat;
  if (isPipeline !== (pipeline !== undefined))
    fail(what, `spec.pipeline and the execution_format ${pipelineFormat} belong together.`);
  if (!isPipeline && format.files.length === 0) fail(what, 'spec.format.files: there are none.');
}

/**
 * Checks plain values against the schema; the error names the field and what it should be. Manifests of
 * earlier releases are read where they can be checked at all.
 */
export function checkManifest(given: unknown, what = 'manifest.yaml'): Manifest {
  const { value, problem: former } = fromEarlierRelease(given);
  if (former !== null) fail(what, former);
  if (!manifestSchema.check(value)) {
    const problem = explain(manifestSchema.schema, value, 'the document');
    fail(what, problem ?? 'it does not fit the schema.');
  }
  const manifest = value as Manifest;
  checkId(manifest, what);
  checkPaths(manifest, what);
  checkKind(manifest, what);
  return manifest;
}

/** Reads a manifest. Throws MlosError INVALID_MANIFEST; never more than the limits cost. */
export function parseManifest(text: string, what = 'manifest.yaml'): Manifest {
  return checkManifest(parseBoundedYaml(text, what), what);
}

/**
 * Writes a manifest, of many files as JSON; what it writes `parseManifest` reads, or it throws. The same
 * input gives the same text.
 */
export function formatManifest(manifest: Manifest): string {
  const isLong = manifest.spec.format.files.length > limits.manifestYamlFiles;
  const text = isLong
    ? `${JSON.stringify(manifest, null, 1)}\n`
    : stringify(manifest, { lineWidth: 0, aliasDuplicateObjects: false, version: '1.2' });
  parseManifest(text);
  return text;
}
