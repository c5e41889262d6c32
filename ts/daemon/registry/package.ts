import { opendir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, extname, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MlosError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type {
  Manifest,
  ManifestFile,
  ManifestPipeline,
  ManifestState,
} from '../../protocol/manifest.ts';
import type { WantedPackage } from '../plugin/plugin-packages.ts';
import { assertRegular, readTextFile } from '../plugin/regular-file.ts';
import type { TrustedKeys } from '../security/trusted-keys.ts';
import { assertAsListed, fileError, insideFolder } from './package-files.ts';
import { assertListed, assertSigned } from './signed-package.ts';

export { fileDigest } from './package-files.ts';

/** What a path given at registration turns out to hold. */
export interface ModelPackage {
  /** Folder, absolute, links resolved. */
  readonly folder: string;
  /** The model file, relative to the folder. */
  readonly file: string;
  readonly executionFormat: string;
  readonly framework: string | null;
  readonly name: string | null;
  readonly description: string | null;
  /** What the model is for, as its source states it. */
  readonly task: string | null;
  readonly manifestPath: string | null;
  /** sha256 that the manifest promises for the file. */
  readonly promisedDigest: string | null;
  /** What the manifest wants in the environment of the plugin. */
  readonly packages: readonly WantedPackage[];
  /** States that the model keeps from request to request. */
  readonly state: readonly ManifestState[];
  /** It is other models, one after the other. */
  readonly pipeline: ManifestPipeline | null;
}

export interface PackageRequest {
  readonly path: string;
  readonly manifestPath?: string | undefined;
  readonly executionFormat?: string | undefined;
  /** Only a package that one of the keys signed is taken, and only under the id that was signed. */
  readonly signed?: { readonly keys: TrustedKeys; readonly id: string };
}

/** Also the file of a model that is nothing but its manifest. */
const manifestName = 'manifest.yaml';

/** Formats told by the file name alone; a manifest says more. */
const formatByExtension: Readonly<Record<string, string>> = {
  '.onnx': 'onnx',
  '.gguf': 'gguf',
  '.safetensors': 'safetensors',
  '.tflite': 'tflite',
  '.pt': 'pytorch',
  '.pth': 'pytorch',
};

/** Null where the URL names another host, or no path. */
function pathOfUrl(url: string): string | null {
  try {
    return fileURLToPath(url);
  } catch {
    return null;
  }
}

/** Absolute path of a path or file:// URL. */
export function absolutePath(text: string, what: string): string {
  const path = text.startsWith('file://') ? pathOfUrl(text) : text;
  if (path === null || path.includes('\0') || !isAbsolute(path)) {
    throw new MlosError(
      'INVALID_ARGUMENT',
      `${what} ${JSON.stringify(text)} must be an absolute path on the daemon's host.`,
    );
  }
  return path;
}

async function realFolderAndFile(path: string): Promise<{ folder: string; file: string | null }> {
  try {
    const real = await realpath(path);
    const stats = await stat(real);
    if (stats.isDirectory()) return { folder: real, file: null };
    assertRegular(path, stats, 'INVALID_ARGUMENT');
    return { folder: dirname(real), file: basename(real) };
  } catch (error) {
    throw fileError(error, path);
  }
}

async function readManifest(
  path: string,
): Promise<{ readonly manifest: Manifest; readonly text: string } | null> {
  let text: string;
  try {
    text = await readTextFile(path, { code: 'INVALID_MANIFEST', maxBytes: limits.manifestBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw fileError(error, path);
  }
  const { parseManifest } = await import('../../protocol/manifest.ts');
  return { manifest: parseManifest(text, path), text };
}

function ambiguous(folder: string, candidates: readonly string[], format: string): MlosError {
  return new MlosError(
    'INVALID_ARGUMENT',
    candidates.length === 0
      ? `${folder} holds no ${format} file. Give the path of the model file itself.`
      : `${folder} holds several ${format} files (${candidates.slice(0, 8).join(', ')}). Give the path of one of them.`,
  );
}

function fileFromManifest(manifest: Manifest, format: string): string[] {
  const { execution_files: chosen, files } = manifest.spec.format;
  const named = (chosen ?? []).filter((file) => file.format === format).map((file) => file.path);
  if (named.length > 0) return named;
  return files
    .map((file) => file.path)
    .filter((path) => formatByExtension[extname(path).toLowerCase()] === format);
}

function isModelFile(name: string, format: string | null): boolean {
  const found = formatByExtension[extname(name).toLowerCase()];
  return found !== undefined && (format === null || found === format);
}

async function fileFromListing(folder: string, format: string | null): Promise<string[]> {
  const found: string[] = [];
  let entries = 0;
  try {
    for await (const entry of await opendir(folder, { bufferSize: 256 })) {
      entries += 1;
      if (entries > limits.packageFiles) {
        throw new MlosError(
          'INVALID_ARGUMENT',
          `${folder} holds more than ${limits.packageFiles} files. Give the path of the model file itself.`,
        );
      }
      const canBeRead = entry.isFile() || entry.isSymbolicLink();
      if (canBeRead && isModelFile(entry.name, format)) found.push(entry.name);
    }
  } catch (error) {
    throw fileError(error, folder);
  }
  return found.sort();
}

async function candidateFiles(
  place: { readonly folder: string; readonly file: string | null },
  manifest: Manifest | null,
  format: string | null,
): Promise<readonly string[]> {
  if (manifest?.spec.pipeline !== undefined) return [manifestName];
  if (place.file !== null) return [place.file];
  if (manifest !== null && format !== null) return fileFromManifest(manifest, format);
  return fileFromListing(place.folder, format);
}

/** What the manifest says of the model, or nulls where there is none. */
function described(
  manifest: Manifest | null,
  file: string,
): Omit<ModelPackage, 'folder' | 'file' | 'executionFormat' | 'manifestPath'> {
  if (manifest === null) {
    const texts = { framework: null, name: null, description: null, promisedDigest: null };
    return { ...texts, packages: [], state: [], pipeline: null, task: null };
  }
  const { dependencies, state = [], pipeline = null } = manifest.spec;
  return {
    packages: dependencies?.packages ?? [],
    state,
    pipeline,
    framework: manifest.spec.framework.name,
    name: manifest.metadata.name,
    description: manifest.metadata.description ?? null,
    task: manifest.metadata.task ?? null,
    promisedDigest: manifest.spec.format.files.find((entry) => entry.path === file)?.sha256 ?? null,
  };
}

/**
 * What the manifest lists beside the model file, such as external data and a tokenizer. Files of another
 * format are never loaded and may be gone; a model file that is not listed is none of the manifest's.
 */
function listedBeside(manifest: Manifest | null, file: string, format: string): ManifestFile[] {
  const { files } = manifest?.spec.format ?? { files: [] };
  if (!files.some(({ path }) => path === file)) return [];
  return files.filter(({ path }) => {
    const told = formatByExtension[extname(path).toLowerCase()];
    return path !== file && (told === undefined || told === format);
  });
}

/**
 * Finds out what lies at a path, and that the files of a package are the ones that its manifest lists;
 * the model file itself is for the caller to compare with `promisedDigest`. Errors: INVALID_ARGUMENT,
 * INVALID_MANIFEST, PERMISSION_DENIED, SIGNATURE_INVALID, DATA_CORRUPTED.
 */
export async function readPackage(request: PackageRequest): Promise<ModelPackage> {
  const place = await realFolderAndFile(absolutePath(request.path, 'path'));
  const manifestPath =
    request.manifestPath === undefined
      ? join(place.folder, manifestName)
      : absolutePath(request.manifestPath, 'manifest_path');
  const read = await readManifest(manifestPath);
  if (read === null && request.manifestPath !== undefined) {
    throw new MlosError('INVALID_MANIFEST', `${manifestPath} does not exist.`);
  }
  if (request.signed !== undefined) await assertSigned(request.signed, manifestPath, read);
  const manifest = read?.manifest ?? null;
  const wanted = request.executionFormat ?? manifest?.spec.format.execution_format ?? null;
  const candidates = await candidateFiles(place, manifest, wanted);
  const [candidate] = candidates;
  if (candidate === undefined || candidates.length > 1) {
    throw ambiguous(place.folder, candidates, wanted ?? 'model');
  }
  const file = await insideFolder(place.folder, candidate);
  const format = wanted ?? formatByExtension[extname(file).toLowerCase()];
  if (format === undefined) {
    throw new MlosError(
      'INVALID_ARGUMENT',
      `The format of ${file} cannot be told from its name. Send execution_format, such as "onnx".`,
    );
  }
  // The manifest itself is what was signed.
  if (request.signed !== undefined && candidate !== manifestName) assertListed(manifest, candidate);
  await assertAsListed(place.folder, listedBeside(manifest, candidate, format));
  return {
    folder: place.folder,
    file,
    executionFormat: format,
    manifestPath: manifest === null ? null : manifestPath,
    ...described(manifest, candidate),
  };
}
