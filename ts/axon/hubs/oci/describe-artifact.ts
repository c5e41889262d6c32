import type { Description } from '../hub.ts';

type Dict = Readonly<Record<string, unknown>>;

const dict = (value: unknown): Dict =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Dict) : {};

function text(value: unknown, most: number): string | null {
  return typeof value === 'string' && value.trim() !== '' ? value.trim().slice(0, most) : null;
}

/** What an artifact's configuration (ModelPack, KitOps, Ollama) and annotations say about the model. */
export function describeArtifact(
  config: unknown,
  annotations: Readonly<Record<string, string>>,
): Description {
  const { descriptor, package: kit, ...rest } = dict(config);
  const { description, licenses, docURL } = dict(descriptor);
  const first = Array.isArray(licenses) && licenses.length === 1 ? licenses[0] : null;
  const note = (name: string) => annotations[`org.opencontainers.image.${name}`];
  const tags = ['model_family', 'model_type', 'file_type']
    .map((key) => text(rest[key], 200))
    .filter((tag) => tag !== null);
  const words = {
    description:
      text(description, 2_000) ??
      text(dict(kit)['description'], 2_000) ??
      text(note('description'), 2_000),
    license: text(first, 200) ?? text(dict(kit)['license'], 200) ?? text(note('licenses'), 200),
    homepage: text(docURL, 2_000) ?? text(note('url'), 2_000),
  };
  return {
    ...Object.fromEntries(Object.entries(words).filter(([, value]) => value !== null)),
    ...(tags.length === 0 ? {} : { tags }),
  };
}
