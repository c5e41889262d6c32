import type { Description } from '../hub.ts';
import {
  dict,
  onlyStated,
  statedPeople,
  statedTags,
  statedText,
  statedTime,
  statedUrl,
  statedWords,
} from '../stated.ts';

/**
 * What an artifact's configuration says about the model (ModelPack, KitOps, Docker's, Ollama's), else its
 * annotations.
 */
export function describeArtifact(
  config: unknown,
  annotations: Readonly<Record<string, string>>,
): Description {
  const all = dict(config);
  const about = dict(all['descriptor']);
  const inner = dict(all['config']);
  const kit = dict(all['package']);
  const kitModel = dict(all['model']);
  const note = (name: string) => annotations[`org.opencontainers.image.${name}`];
  const licenses = statedWords(about['licenses']).join(', ');
  const kinds = ['model_family', 'model_type', 'file_type'].map((key) => statedText(all[key]));
  const makes = [about['family'], inner['architecture'], inner['quantization']];
  return onlyStated({
    description:
      statedText(about['description'], 2_000) ??
      statedText(kit['description'], 2_000) ??
      statedText(note('description'), 2_000) ??
      statedText(about['title'] ?? note('title'), 2_000),
    license:
      statedText(licenses) ??
      statedText(kit['license']) ??
      statedText(kitModel['license']) ??
      statedText(note('licenses')),
    homepage: statedUrl(about['docURL']) ?? statedUrl(note('url')) ?? statedUrl(note('source')),
    documentation: statedUrl(note('documentation')),
    authors: statedPeople([
      ...statedWords(about['authors']),
      ...statedWords(kit['authors']),
      about['vendor'],
      ...(note('authors') ?? '').split(','),
      note('vendor'),
    ]),
    created:
      statedTime(about['createdAt']) ?? statedTime(about['created']) ?? statedTime(note('created')),
    library: statedText(kitModel['framework']),
    tags: statedTags([...kinds, ...makes.map((make) => statedText(make))]),
  });
}
