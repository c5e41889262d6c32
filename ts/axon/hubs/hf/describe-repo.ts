import type { Description } from '../hub.ts';
import { spdxName } from '../license-names.ts';

interface Card {
  readonly license?: unknown;
  readonly license_name?: unknown;
  readonly license_link?: unknown;
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value.slice(0, 200) : null;
}

/** What the repository states about itself: the card first, else its tags; else nothing. */
export function describeRepo(value: unknown): Description {
  const {
    cardData,
    tags,
    pipeline_tag: task,
    author,
    createdAt,
    lastModified,
  } = value as Readonly<Record<string, unknown>> & { readonly cardData?: Card | null };
  const list = Array.isArray(tags)
    ? tags.filter((tag): tag is string => typeof tag === 'string' && tag.length <= 200)
    : [];
  const license =
    licenseOf(cardData ?? {}) ??
    text(list.find((tag) => tag.startsWith('license:'))?.slice('license:'.length));
  const kept = [...new Set([text(task), ...list])].filter(
    (tag): tag is string => tag !== null && !/^(license|region):/.test(tag),
  );
  return {
    ...(license === null ? {} : { license: spdxName(license) }),
    ...(kept.length === 0 ? {} : { tags: kept.slice(0, 50) }),
    ...optional('created', text(createdAt)),
    ...optional('updated', text(lastModified)),
    ...(text(author) === null ? {} : { authors: [{ name: text(author) ?? '' }] }),
  };
}

function optional(key: 'created' | 'updated', value: string | null): Description {
  return value === null ? {} : { [key]: value };
}

function licenseOf({ license, license_name: name, license_link: link }: Card): string | null {
  if (license === 'other') {
    const where = typeof link === 'string' && /^https?:\/\//.test(link) ? ` (${link})` : '';
    return text(`${text(name) ?? 'other'}${where}`);
  }
  if (Array.isArray(license))
    return text(license.filter((item) => typeof item === 'string').join(', '));
  return text(license);
}

/** Where nothing is stated but a licence lies beside the files, that is what can be said. */
export function withLicenseFile(
  description: Description,
  files: readonly { readonly path: string }[],
): Description {
  if (description.license !== undefined) return description;
  const file = files.find(({ path }) => /^(LICEN[CS]E|COPYING)(\.(txt|md))?$/i.test(path));
  return file === undefined
    ? description
    : { ...description, license: `SEE LICENSE IN ${file.path}` };
}
