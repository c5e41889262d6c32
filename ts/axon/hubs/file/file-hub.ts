import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { limits } from '../../../protocol/limits.ts';
import { AxonError, errnoOf } from '../../axon-error.ts';
import type { Context } from '../../context.ts';
import { externalFilesOf } from '../../formats/onnx/external-files.ts';
import { refuseImposter } from '../../formats/sniff.ts';
import { unpackArchive } from '../../package/archive.ts';
import { folderSource } from '../../package/bundle.ts';
import { openFolder } from '../../package/manifest-file.ts';
import { peekManifest } from '../../package/peek-manifest.ts';
import { manifestName } from '../../store/layout.ts';
import { readText } from '../../store/read-text.ts';
import type { FileSource, Hub, HubSpec, Source } from '../hub.ts';
import { idSegment } from '../id-segment.ts';
import { copyFiles } from './copy-files.ts';
import { listFolder } from './list-folder.ts';

const shownNames = 10;
/** In every manifest that this axon writes. */
const ownApi = 'axon.mlos.io/';

/** A file, a folder or an `.axon` package on this machine. Bytes are copied, never linked. */
export const fileHub: Hub = {
  names: ['file', 'local'],
  example: './model.onnx',
  claims(text) {
    if (/^(\.{0,2}\/|\.{1,2}$|~\/|file:)/.test(text)) return true;
    // `net.onnx` alone; with a slash it could as well be a repository of a hub.
    return /^[^/:]+\.(axon|onnx|gguf|safetensors|tflite)$/.test(text);
  },
  parse(text, context): HubSpec {
    const file = toPath(text, context);
    const stem = path.basename(file).replace(/\.[A-Za-z0-9]+$/, '');
    const name = path.basename(file);
    return {
      id: { namespace: 'local', name: idSegment(stem), version: 'latest' },
      origin: { hub: 'file', id: name },
      resolve: async () => open(file, context),
    };
  },
  noSearch: '`axon list` shows what is installed, `axon install ./<file>` takes a file.',
};

function toPath(text: string, { cwd, env }: Context): string {
  if (!text.startsWith('file:')) {
    const home = env['HOME'];
    return path.resolve(
      cwd,
      home !== undefined && text.startsWith('~/') ? path.join(home, text.slice(2)) : text,
    );
  }
  try {
    return text.startsWith('file://')
      ? fileURLToPath(text)
      : path.resolve(cwd, text.slice('file:'.length));
  } catch (error) {
    throw new AxonError(
      'INVALID_SPEC',
      `${text} is not a file address; write file:///absolute/path.`,
      { cause: error },
    );
  }
}

function statOf(file: string): fs.Stats {
  try {
    return fs.statSync(file);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR')
      throw new AxonError('NOT_FOUND', `There is no file ${file}.`, { cause: error });
    throw AxonError.from(error);
  }
}

function open(file: string, context: Context): Source {
  const stat = statOf(file);
  const pin = { hub: 'file', id: path.basename(file), revision: null, url: null };
  if (isBundle(file, stat))
    throw new AxonError('INVALID_SPEC', `${file} is a bundle of models: axon import ${file}`);
  if (stat.isDirectory()) return packageIn(file, context) ?? looseFolder(file, context);
  if (!stat.isFile())
    throw new AxonError('INVALID_SPEC', `${file} is neither a regular file nor a folder.`);
  if (file.endsWith('.axon'))
    return {
      kind: 'package',
      pin,
      isProven: true,
      peek: () => peekManifest(fs.createReadStream(file), pin.id, context.signal),
      unpack: (into) => unpackArchive(file, into, context.signal),
    };
  return localFiles(pin, path.dirname(file), () => withExternalData(file), context);
}

/** A folder with a manifest is a package. Another manifest.yaml makes none of it, nor does one of an earlier release that says too little. */
function packageIn(folder: string, { output }: Context): Source | null {
  try {
    const found = openFolder(folder);
    return found === null ? null : folderSource(folder, found.text, found.signature);
  } catch (error) {
    if (readText(path.join(folder, manifestName), limits.manifestBytes).includes(ownApi))
      throw error;
    const { message } = AxonError.from(error);
    output.warn(`The folder counts as loose files, and its manifest is left out: ${message}`);
    return null;
  }
}

/** The files of a folder as they are, whatever a manifest says of them. */
export function looseFolder(folder: string, context: Context): FileSource {
  const pin = { hub: 'file', id: path.basename(folder), revision: null, url: null };
  return localFiles(pin, folder, () => filesIn(folder, context), context);
}

/** What `axon export` made: an OCI layout, as a folder or in a tar. */
function isBundle(file: string, stat: fs.Stats): boolean {
  return stat.isDirectory() ? fs.existsSync(path.join(file, 'oci-layout')) : file.endsWith('.tar');
}

function filesIn(folder: string, { output }: Context): readonly string[] {
  const { files, passedOver } = listFolder(folder);
  if (passedOver.length > 0) {
    const more =
      passedOver.length > shownNames ? `, and ${passedOver.length - shownNames} more` : '';
    output.warn(
      `Of ${folder} not taken: ${passedOver.slice(0, shownNames).join(', ')}${more}. Where they belong to the model, copy the folder with \`cp -rL\` and install the copy.`,
    );
  }
  return files;
}

/** The model and the data files that it names; more of the folder is not meant. */
function withExternalData(file: string): string[] {
  const name = path.basename(file);
  if (!name.endsWith('.onnx')) return [name];
  refuseImposter(file, name);
  return [name, ...externalFilesOf(file)];
}

function localFiles(
  pin: FileSource['pin'],
  root: string,
  list: () => readonly string[],
  context: Context,
): FileSource {
  return {
    kind: 'files',
    pin,
    async plan() {
      return list().map((name) => ({
        path: name,
        size: statOf(path.join(root, name)).size,
        expected: null,
      }));
    },
    fetch: (files, into) => copyFiles(root, files, into, context),
    describe: () => ({}),
  };
}
