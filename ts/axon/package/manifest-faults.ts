import type { Manifest } from '../../protocol/manifest.ts';
import { multiEncoders } from '../../protocol/multi-encoder.ts';
import { packageName, readRequirement } from '../../protocol/package-requirement.ts';
import { parseTypedId } from '../store/typed-id.ts';

/*
 * What the schema lets pass, because models that are installed have it, and what is of no use or refused
 * further on: by `axon install`, by the daemon, by whoever opens the page. Who makes a package is told.
 */
export function manifestFaults({ metadata, spec, distribution }: Manifest): string[] {
  const { license, homepage, documentation } = metadata;
  const pages = { homepage, documentation };
  const { models = [], packages = [] } = spec.dependencies ?? {};
  const kind = spec.format.multi_encoder;
  return [
    ...(license?.trim() === ''
      ? ['metadata.license is empty: write unknown, or leave it out']
      : []),
    ...Object.entries(pages).flatMap(([name, url]) => notWeb(`metadata.${name}`, url)),
    ...notWeb('distribution.source.url', distribution?.source?.url),
    ...(kind !== undefined && !(multiEncoders as readonly string[]).includes(kind)
      ? [`spec.format.multi_encoder is ${JSON.stringify(kind)}, not ${multiEncoders.join(', ')}`]
      : []),
    ...coresFaults(spec.requirements),
    ...models.flatMap(modelFault),
    ...packages.flatMap(packageFault),
  ];
}

function notWeb(field: string, url: string | undefined): string[] {
  if (url === undefined || (/^https?:\/\//.test(url) && URL.canParse(url))) return [];
  return [`${field} must be an http or https address, not ${shown(url)}`];
}

function coresFaults(requirements: Manifest['spec']['requirements']): string[] {
  return Object.entries(requirements?.compute?.cpu ?? {}).flatMap(([name, cores]) =>
    cores === 0 ? [`spec.requirements.compute.cpu.${name} must be at least 1`] : [],
  );
}

function modelFault(id: string): string[] {
  try {
    parseTypedId(id);
    return [];
  } catch {
    return [`spec.dependencies.models: ${shown(id)} is no id, <hub>/<name>@<version>`];
  }
}

function packageFault({ name, version = '*' }: { name: string; version?: string }): string[] {
  if (!packageName.test(name))
    return [`spec.dependencies.packages: ${shown(name)} is no name of a package`];
  return readRequirement(version) === null
    ? [`spec.dependencies.packages: ${name}: ${shown(version)} is no version, such as >=1.2,<2`]
    : [];
}

const shown = (text: string) => JSON.stringify(text.slice(0, 200));
