import { AxonError } from '../../axon-error.ts';
import type { PypiSpec } from './pypi-spec.ts';
import { normalName } from './pypi-spec.ts';
import { compareVersions, type PythonVersion, parsePythonVersion } from './python-version.ts';
import type { IndexFile } from './simple-index.ts';

/*
 * Which file of a package is taken. A pure function of the list and this machine's architecture:
 * 1. Of the version asked for; `latest` is the newest that is neither yanked nor a pre-release, or the
 *    newest pre-release where there is nothing else. A yanked version comes when it is named.
 * 2. A wheel for everything (`…-none-any`), the plainest Python tag first; models are no code, so most are.
 * 3. Else a wheel for Linux on this architecture. Of several the last by name: the newest Python.
 * 4. Else the source archive, .tar.gz before .zip.
 */
export interface Distribution {
  readonly file: IndexFile;
  readonly version: string;
}

const machines: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };
const sourcePattern = /\.(tar\.gz|tgz|zip)$/;

export function chooseDistribution(
  files: readonly IndexFile[],
  spec: PypiSpec,
  arch: string = process.arch,
): Distribution {
  const all = files.flatMap((file) => {
    const version = versionOf(file.filename, spec.name);
    return version === null ? [] : [{ file, version }];
  });
  const wanted = spec.version === 'latest' ? newest(all) : parsePythonVersion(spec.version);
  const mine = all.filter(
    ({ version }) => wanted !== null && compareVersions(version, wanted) === 0,
  );
  if (wanted === null || mine.length === 0) throw unknown(spec, all);
  const wheels = mine.filter(({ file }) => file.filename.endsWith('.whl'));
  const machine = machines[arch] ?? arch;
  const here = new RegExp(`-[^-]*(linux|manylinux|musllinux)[^-]*_${machine}[^-]*\\.whl$`);
  const steps = [
    ...['-py3-none-any.whl', '-py2.py3-none-any.whl', '-none-any.whl'].map((end) =>
      wheels.filter(({ file }) => file.filename.endsWith(end)),
    ),
    wheels.filter(({ file }) => here.test(file.filename)),
    mine.filter(({ file }) => /\.(tar\.gz|tgz)$/.test(file.filename)),
    mine.filter(({ file }) => file.filename.endsWith('.zip')),
  ];
  const chosen = steps
    .find((step) => step.length > 0)
    ?.toSorted((a, b) => (a.file.filename < b.file.filename ? -1 : 1))
    .at(-1);
  if (chosen !== undefined) return { file: chosen.file, version: chosen.version.text };
  throw new AxonError(
    'NOT_FOUND',
    `${spec.name} ${wanted.text} has no file for Linux on ${machine}. It has: ${mine
      .map(({ file }) => file.filename)
      .slice(0, 10)
      .join(', ')}.`,
  );
}

type Dated = { readonly file: IndexFile; readonly version: PythonVersion };

function newest(all: readonly Dated[]): PythonVersion | null {
  const good = all.filter(({ file }) => !file.yanked);
  const releases = good.filter(({ version }) => !version.isPrerelease);
  const among = releases.length > 0 ? releases : good;
  return (
    among
      .map(({ version }) => version)
      .toSorted(compareVersions)
      .at(-1) ?? null
  );
}

/** The version that a file name states, if the file is of this package at all. */
function versionOf(filename: string, name: string): PythonVersion | null {
  if (filename.endsWith('.whl')) {
    const parts = filename.slice(0, -'.whl'.length).split('-');
    const [project = '', version = ''] = parts;
    const isWheel = parts.length === 5 || parts.length === 6;
    return isWheel && normalName(project) === name ? parsePythonVersion(version) : null;
  }
  const stem = filename.replace(sourcePattern, '');
  if (stem === filename) return null;
  // A name may hold dashes, and so may old versions: the split is where the name ends.
  for (let dash = stem.indexOf('-'); dash > 0; dash = stem.indexOf('-', dash + 1))
    if (normalName(stem.slice(0, dash)) === name) return parsePythonVersion(stem.slice(dash + 1));
  return null;
}

function unknown(spec: PypiSpec, all: readonly Dated[]): AxonError {
  const versions = [
    ...new Set(
      all
        .map(({ version }) => version)
        .toSorted(compareVersions)
        .map(({ text }) => text),
    ),
  ];
  return new AxonError(
    'NOT_FOUND',
    `${spec.name} has no version ${spec.version}. The newest are ${versions.slice(-3).join(', ') || 'none'}.`,
  );
}
