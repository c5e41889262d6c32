import type { Description } from '../hub.ts';
import { spdxName } from '../license-names.ts';
import {
  type Dict,
  dict,
  onlyStated,
  statedPeople,
  statedTags,
  statedText,
  statedTime,
  statedWords,
} from '../stated.ts';

/** What ModelScope states about a model; its times are seconds. */
export function describeModel(about: Dict, url: string): Description {
  const license = statedText(about['License']);
  const tasks = statedWords(about['Tasks']);
  const libraries = statedWords(about['Libraries']);
  const { FullName, Name } = dict(about['Organization']);
  return onlyStated({
    license: license === undefined ? undefined : spdxName(license),
    description: statedText(about['Description'], 1_000),
    homepage: url,
    tags: statedTags([...tasks, ...libraries, ...statedWords(about['Tags'])]),
    task: tasks[0],
    library: libraries[0],
    created: statedTime(about['CreatedTime']),
    updated: statedTime(about['LastUpdatedTime']),
    authors: statedPeople([statedText(FullName) ?? statedText(Name) ?? about['Path']]),
  });
}
