/*
 * Versions of Python packages, in the order of PEP 440:
 * epoch, release, then dev < a < b < rc < (nothing) < post, then local.
 */
export interface PythonVersion {
  readonly text: string;
  readonly isPrerelease: boolean;
  readonly key: readonly (number | string)[];
}

const pattern = new RegExp(
  [
    '^v?(?:(?<epoch>\\d+)!)?(?<release>\\d+(?:\\.\\d+)*)',
    '(?:[-_.]?(?<pre>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?<preNumber>\\d*))?',
    '(?:-(?<bare>\\d+)|[-_.]?(?<post>post|rev|r)[-_.]?(?<postNumber>\\d*))?',
    '(?:[-_.]?(?<dev>dev)[-_.]?(?<devNumber>\\d*))?',
    '(?:\\+(?<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?$',
  ].join(''),
  'i',
);

const phases: Readonly<Record<string, number>> = {
  a: 1,
  alpha: 1,
  b: 2,
  beta: 2,
  c: 3,
  rc: 3,
  pre: 3,
  preview: 3,
};
const finalPhase = 4;

type Parts = Readonly<Record<string, string | undefined>>;

export function parsePythonVersion(text: string): PythonVersion | null {
  const parts: Parts | undefined = text.length > 100 ? undefined : pattern.exec(text)?.groups;
  if (parts === undefined) return null;
  const { epoch, release = '', pre, preNumber, dev, devNumber, local = '' } = parts;
  return {
    text,
    isPrerelease: pre !== undefined || dev !== undefined,
    key: [
      Number(epoch ?? 0),
      releaseKey(release),
      phaseOf(parts),
      Number(preNumber || 0),
      postKey(parts),
      dev === undefined ? Number.MAX_SAFE_INTEGER : Number(devNumber || 0),
      local.toLowerCase().replace(/[-_]/g, '.'),
    ],
  };
}

/** One text, so that lists of different length compare number by number; `1.0` is `1`. */
function releaseKey(release: string): string {
  const numbers = release.replace(/(\.0+)+$/, '').split('.');
  return numbers.map((n) => n.replace(/^0+(?=\d)/, '').padStart(100, '0')).join('.');
}

/** `1.0.dev1` comes before `1.0a1`: a development version of nothing else is of the lowest phase. */
function phaseOf({ pre, dev, post, bare }: Parts): number {
  if (pre !== undefined) return phases[pre.toLowerCase()] ?? 0;
  return dev !== undefined && post === undefined && bare === undefined ? 0 : finalPhase;
}

function postKey({ post, bare, postNumber }: Parts): number {
  return post === undefined && bare === undefined ? 0 : Number(postNumber || bare || 0) + 1;
}

export function compareVersions(a: PythonVersion, b: PythonVersion): number {
  for (const [index, left] of a.key.entries()) {
    const right = b.key[index] ?? 0;
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}
