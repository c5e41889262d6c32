import type { Description } from '../hub.ts';
import { spdxName } from '../license-names.ts';
import {
  type Dict,
  onlyStated,
  statedPeople,
  statedTags,
  statedText,
  statedTime,
  statedWords,
} from '../stated.ts';

/** What Kaggle states: of the variation its licence, of the model who made it, when, and for what. */
export function describeVariation(
  variation: Dict,
  model: Dict,
  framework: string,
  page: string,
): Description {
  const license = statedText(variation['licenseName']);
  return onlyStated({
    license: license === undefined ? undefined : spdxName(license),
    description: statedText(variation['overview'], 1_000) ?? statedText(model['subtitle'], 1_000),
    homepage: `https://www.kaggle.com/models/${page}`,
    library: framework,
    tags: statedTags([framework, ...statedWords(model['tags'])]),
    authors: statedPeople([model['author']]),
    created: statedTime(model['publishTime']),
    updated: statedTime(model['updateTime']),
  });
}
