/*
 * Manifests that earlier, separate releases of axon wrote (`apiVersion: v1`, and JSON with capitalised
 * keys before that). They are read as far as they say something: entries without a hash are dropped,
 * what was never compared with anything is `tofu`. One that lists no hash at all cannot be checked.
 */
type Fields = Record<string, unknown>;

interface Former {
  readonly value: unknown;
  /** Why the manifest is of no use, or null. */
  readonly problem: string | null;
}

const isMap = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Words that the rule for capitals would take apart wrongly. */
const words: Readonly<Record<string, string>> = {
  APIVersion: 'apiVersion',
  DType: 'dtype',
  MinVRAMGB: 'min_vram_gb',
  MinGB: 'min_gb',
  RecommendedGB: 'recommended_gb',
  CUDAVersion: 'cuda_version',
  SHA256: 'sha256',
};

function smallKey(key: string): string {
  if (Object.hasOwn(words, key)) return words[key] ?? key;
  return /^[A-Z]/.test(key)
    ? key
        .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
        .replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
        .toLowerCase()
    : key;
}

/** Keys as they are written today; what was null there is absent here. */
function smallKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(smallKeys);
  if (!isMap(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== null)
      .map(([key, inner]) => [smallKey(key), smallKeys(inner)]),
  );
}

/** The manifest as it would be written today; any other value is given back as it is. */
export function fromEarlierRelease(given: unknown): Former {
  if (!isMap(given)) return { value: given, problem: null };
  const value = 'APIVersion' in given || 'Metadata' in given ? smallKeys(given) : given;
  if (!isMap(value) || value['apiVersion'] !== 'v1') return { value, problem: null };
  const { metadata, spec } = value;
  const format = isMap(spec) ? spec['format'] : undefined;
  if (!isMap(spec) || !isMap(format) || !Array.isArray(format['files']))
    return { value, problem: null };
  const files = format['files'].filter((file) => !isMap(file) || file['sha256'] !== '');
  if (files.length === 0)
    return {
      value,
      problem:
        'an earlier release wrote it and listed no file with its sha256, so nothing can be checked. Install the model again.',
    };
  const license =
    isMap(metadata) && metadata['license'] === 'Unknown' ? { license: 'unknown' } : {};
  return {
    value: {
      ...value,
      metadata: isMap(metadata) ? { ...metadata, ...license } : metadata,
      spec: {
        ...spec,
        format: {
          ...format,
          files: files.map((file) => (isMap(file) ? { verified_by: 'tofu', ...file } : file)),
        },
      },
    },
    problem: null,
  };
}
