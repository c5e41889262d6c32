import { limits } from '../../../protocol/limits.ts';
import { AxonError } from '../../axon-error.ts';
import type { HubFile } from '../hub.ts';
import type { ModelscopeApi } from './modelscope-api.ts';

/** A list of so many entries was cut there, without a word. */
const cut = 3000;

interface Entry {
  readonly path: string;
  readonly file: HubFile | null;
}

/** All files at a commit. A list that was cut is asked for again, folder by folder. */
export async function listFiles(
  repo: string,
  commit: string,
  api: ModelscopeApi,
): Promise<readonly HubFile[]> {
  const files: HubFile[] = [];
  const folders = [''];
  for (let root = folders.pop(); root !== undefined; root = folders.pop()) {
    const whole = await list(repo, commit, root, true, api);
    if (whole.length < cut) {
      files.push(...filesOf(whole));
    } else {
      const level = await list(repo, commit, root, false, api);
      if (level.length >= cut)
        throw new AxonError(
          'BAD_RESPONSE',
          `ModelScope lists at most ${cut} files of one folder; ${root === '' ? 'the top' : root} of ${repo} has more, so which ones it has cannot be known.`,
        );
      files.push(...filesOf(level));
      folders.push(...level.filter(({ file }) => file === null).map(({ path }) => path));
    }
    if (files.length > 10 * limits.packageFiles)
      throw new AxonError(
        'UNSAFE_PACKAGE',
        `${repo} lists more than ${10 * limits.packageFiles} files.`,
      );
  }
  return files;
}

const filesOf = (entries: readonly Entry[]) => entries.flatMap(({ file }) => file ?? []);

async function list(
  repo: string,
  commit: string,
  root: string,
  deep: boolean,
  api: ModelscopeApi,
): Promise<readonly Entry[]> {
  // `Recursive` with another case than this is not understood, and lists one level.
  const query = `Revision=${commit}&Recursive=${deep ? 'True' : 'False'}${root === '' ? '' : `&Root=${encodeURIComponent(root)}`}`;
  const { Files } = await api.ask(`${repo}/repo/files?${query}`, repo);
  if (!Array.isArray(Files)) throw malformed(repo);
  const entries = (Files as readonly unknown[]).map((value) => readEntry(value, repo));
  if (entries.some(({ path }) => root !== '' && !path.startsWith(`${root}/`)))
    throw malformed(repo);
  return entries;
}

function readEntry(value: unknown, repo: string): Entry {
  const { Path, Type, Size, Sha256 } = (value ?? {}) as Record<string, unknown>;
  if (typeof Path !== 'string' || Path === '') throw malformed(repo);
  if (Type === 'tree') return { path: Path, file: null };
  const isSize = typeof Size === 'number' && Number.isSafeInteger(Size) && Size >= 0;
  if (Type !== 'blob' || !isSize) throw malformed(repo);
  // For some files the hub has no hash; what it calls one must be one.
  const none = Sha256 === undefined || Sha256 === null || Sha256 === '';
  if (!none && (typeof Sha256 !== 'string' || !/^[0-9a-f]{64}$/i.test(Sha256)))
    throw malformed(repo);
  const expected = none
    ? null
    : ({ algorithm: 'sha256', hex: String(Sha256).toLowerCase() } as const);
  return { path: Path, file: { path: Path, size: Size, expected } };
}

function malformed(repo: string): AxonError {
  return new AxonError(
    'BAD_RESPONSE',
    `ModelScope's file list of ${repo} is malformed: a path, size or hash is missing or wrong.`,
  );
}
