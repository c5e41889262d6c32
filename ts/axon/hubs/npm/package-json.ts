import type { Description } from '../hub.ts';
import {
  type Dict,
  dict,
  onlyStated,
  statedPeople,
  statedTags,
  statedText,
  statedUrl,
  statedWords,
} from '../stated.ts';

/** What package.json states. A file that cannot be read states nothing; it is not ours to judge. */
export function describePackage(file: Buffer | null): Description {
  const json = readJson(file);
  const { author, contributors } = json;
  return onlyStated({
    description: statedText(json['description'], 2_000),
    license: statedText(json['license']) ?? statedText(dict(json['license'])['type']),
    homepage: statedUrl(json['homepage']),
    tags: statedTags(statedWords(json['keywords'])),
    authors: statedPeople([author, ...(Array.isArray(contributors) ? contributors : [])]),
  });
}

function readJson(file: Buffer | null): Dict {
  try {
    return dict(JSON.parse(file?.toString('utf8') ?? 'null'));
  } catch {
    return {};
  }
}
