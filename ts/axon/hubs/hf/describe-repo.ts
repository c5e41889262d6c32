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

/** What the repository states about itself: the card first, else its tags; else nothing. */
export function describeRepo(value: unknown): Description {
  const about = dict(value);
  const words = statedWords(about['tags']);
  const license =
    licenseOf(dict(about['cardData'])) ??
    statedText(words.find((word) => word.startsWith('license:'))?.slice('license:'.length));
  const task = statedText(about['pipeline_tag']);
  return onlyStated({
    license: license === undefined ? undefined : spdxName(license),
    tags: statedTags([task, ...words].filter((tag) => !/^(license|region):/.test(tag ?? ''))),
    task,
    library: statedText(about['library_name']),
    created: statedTime(about['createdAt']),
    updated: statedTime(about['lastModified']),
    authors: statedPeople([about['author']]),
  });
}

function licenseOf({ license, license_name: name, license_link: link }: Dict): string | undefined {
  if (license === 'other') {
    const where = typeof link === 'string' && /^https?:\/\//.test(link) ? ` (${link})` : '';
    return statedText(`${statedText(name) ?? 'other'}${where}`);
  }
  return statedText(Array.isArray(license) ? statedWords(license).join(', ') : license);
}
