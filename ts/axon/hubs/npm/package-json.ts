import type { Description } from '../hub.ts';

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value.slice(0, 2_000) : null;
}

/** What package.json states. A file that cannot be read states nothing; it is not ours to judge. */
export function describePackage(file: Buffer | null): Description {
  if (file === null) return {};
  let json: Record<string, unknown>;
  try {
    json = JSON.parse(file.toString('utf8')) as Record<string, unknown>;
  } catch {
    return {};
  }
  if (typeof json !== 'object' || json === null) return {};
  const license =
    text(json['license']) ?? text((json['license'] as { type?: unknown } | null)?.type);
  const keywords = Array.isArray(json['keywords']) ? json['keywords'] : [];
  const tags = keywords
    .filter((tag): tag is string => typeof tag === 'string' && tag.length <= 200)
    .slice(0, 50);
  return {
    ...optional('description', text(json['description'])),
    ...optional('license', license?.slice(0, 200) ?? null),
    ...optional('homepage', text(json['homepage'])),
    ...(tags.length === 0 ? {} : { tags }),
  };
}

function optional(key: 'description' | 'license' | 'homepage', value: string | null): Description {
  return value === null ? {} : { [key]: value };
}
