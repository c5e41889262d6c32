import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, extname, isAbsolute, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MlosError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Manifest } from '../../protocol/manifest.ts';

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
  readonly manifestPath: string | null;
  /** sha256 that the manifest promises for the file. */
  readonly promisedDigest: string | null;
}

export interface PackageRequest {
  readonly path: string;
  readonly manifestPath?: string | undefined;
  readonly executionFormat?: string | undefined;
}

/** Formats told by the file name alone; a manifest says more. */
const formatByExtension: Readonly<Record<string, string>> = {
  '.onnx': 'onnx',
  '.gguf': 'gguf',
  '.safetensors': 'safetensors',
  '.tflite': 'tflite',
  '.pt': 'pytorch',
  '.pth': 'pytorch',
};

function fileError(error: unknown, path: string): MlosError {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'EACCES' || code === 'EPERM') {
    return new MlosError('PERMISSION_DENIED', `The daemon may not read ${path}.`, { cause: error });
  }
  return new MlosError(
    'INVALID_ARGUMENT',
    `${path} cannot be read (${code ?? String(error)}). The path is looked up on the daemon's host.`,
    { cause: error },
  );
}

/** Absolute path of a path or file:// URL. */
export function absolutePath(text: string, what: string): string {
  const path = text.startsWith('file://') ? fileURLToPath(text) : text;
  if (path.includes('\0') || !isAbsolute(path)) {
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
    const isFolder = (await stat(real)).isDirectory();
    return isFolder
      ? { folder: real, file: null }
      : { folder: dirname(real), file: basename(real) };
  } catch (error) {
    throw fileError(error, path);
  }
}

async function readManifest(path: string): Promise<Manifest | null> {
  let text: string;
  try {
    const { size } = await stat(path);
    if (size > limits.manifestBytes) {
      throw new MlosError(
        'INVALID_MANIFEST',
        `${path} has ${size} bytes; the limit is ${limits.manifestBytes}.`,
      );
    }
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error instanceof MlosError ? error : fileError(error, path);
  }
  const { parseManifest } = await import('../../protocol/manifest.ts');
  return parseManifest(text, path);
}

/** A file of the package that really lies inside its folder. */
async function insideFolder(folder: string, file: string): Promise<string> {
  let real: string;
  try {
    real = await realpath(join(folder, file));
  } catch (error) {
    throw fileError(error, join(folder, file));
  }
  const inside = relative(folder, real);
  if (inside.startsWith(`..${sep}`) || isAbsolute(inside)) {
    throw new MlosError('PERMISSION_DENIED', `${file} leads out of the package folder ${folder}.`);
  }
  return inside;
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

async function fileFromListing(folder: string, format: string | null): Promise<string[]> {
  const names = await readdir(folder, { withFileTypes: true });
  return names
    .filter((entry) => !entry.isDirectory())
    .map((entry) => entry.name)
    .filter((name) => {
      const found = formatByExtension[extname(name).toLowerCase()];
      return found !== undefined && (format === null || found === format);
    })
    .sort();
}

async function candidateFiles(
  place: { readonly folder: string; readonly file: string | null },
  manifest: Manifest | null,
  format: string | null,
): Promise<readonly string[]> {
  if (place.file !== null) return [place.file];
  if (manifest !== null && format !== null) return fileFromManifest(manifest, format);
  return fileFromListing(place.folder, format);
}

/** What the manifest says of the model, or nulls where there is none. */
function described(
  manifest: Manifest | null,
  file: string,
): Pick<ModelPackage, 'framework' | 'name' | 'description' | 'promisedDigest'> {
  if (manifest === null) {
    return { framework: null, name: null, description: null, promisedDigest: null };
  }
  return {
    framework: manifest.spec.framework.name,
    name: manifest.metadata.name,
    description: manifest.metadata.description ?? null,
    promisedDigest: manifest.spec.format.files.find((entry) => entry.path === file)?.sha256 ?? null,
  };
}

/** Finds out what lies at a path. Errors: INVALID_ARGUMENT, INVALID_MANIFEST, PERMISSION_DENIED. */
export async function readPackage(request: PackageRequest): Promise<ModelPackage> {
  const place = await realFolderAndFile(absolutePath(request.path, 'path'));
  const manifestPath =
    request.manifestPath === undefined
      ? join(place.folder, 'manifest.yaml')
      : absolutePath(request.manifestPath, 'manifest_path');
  const manifest = await readManifest(manifestPath);
  if (manifest === null && request.manifestPath !== undefined) {
    throw new MlosError('INVALID_MANIFEST', `${manifestPath} does not exist.`);
  }
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
  return {
    folder: place.folder,
    file,
    executionFormat: format,
    manifestPath: manifest === null ? null : manifestPath,
    ...described(manifest, candidate),
  };
}

/** sha256 of a file, in hex, read in pieces. */
export async function fileDigest(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
      hash.update(chunk as Buffer);
    }
  } catch (error) {
    throw fileError(error, path);
  }
  return hash.digest('hex');
}
