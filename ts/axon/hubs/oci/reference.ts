import { AxonError } from '../../axon-error.ts';
import { isInside } from '../../download/redirect.ts';

/** `<registry>/<repository>` with a tag or a digest, as people write it for `oci/`. */
export interface OciReference {
  /** As written, with its port. */
  readonly registry: string;
  readonly repository: string;
  /** A tag, or `sha256:<hex>`. */
  readonly reference: string;
}

const registryPattern = /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:\d{1,5})?$/;
const repositoryPattern =
  /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$/;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
export const digestPattern = /^sha256:[0-9a-f]{64}$/;

function invalid(text: string, why: string): AxonError {
  return new AxonError(
    'INVALID_SPEC',
    `oci/${text}: ${why}. Write oci/<registry>/<repository>@<tag>, such as oci/ghcr.io/org/model@v1, or @sha256:<64 hex digits>.`,
  );
}

/** Takes `repo@tag`, `repo:tag`, `repo@sha256:…` and `repo:tag@sha256:…`, where the digest counts. */
export function parseOciReference(text: string): OciReference {
  const slash = text.indexOf('/');
  const registry = text.slice(0, Math.max(0, slash));
  const rest = text.slice(slash + 1);
  const isHost = /[.:]/.test(registry) || registry.toLowerCase() === 'localhost';
  if (!registryPattern.test(registry) || !isHost) throw invalid(text, 'it names no registry');
  const [, repository = '', tag, after] = /^([^@:]*)(?::([^@]*))?(?:@(.*))?$/.exec(rest) ?? [];
  if (repository.length > 255 || !repositoryPattern.test(repository))
    throw invalid(
      text,
      'the repository is lower-case letters, digits and single . _ - between them',
    );
  const reference = after ?? tag ?? 'latest';
  if (!digestPattern.test(reference) && !tagPattern.test(reference))
    throw invalid(text, `${JSON.stringify(reference)} is neither a tag nor a sha256 digest`);
  return { registry, repository, reference };
}

/**
 * Where the registry answers. http only on this machine, or where the user says so: a registry over
 * http could show any model under any name, and would be sent the password.
 */
export function originOf(registry: string, env: NodeJS.ProcessEnv): string {
  if (registry === 'docker.io') return 'https://registry-1.docker.io';
  const insecure = (env['AXON_OCI_INSECURE'] ?? '').split(/[\s,]+/);
  const plain = insecure.includes(registry) || isLoopback(registry);
  return `${plain ? 'http' : 'https'}://${registry}`;
}

function isLoopback(registry: string): boolean {
  const url = new URL(`http://${registry}`);
  return isInside(url) && /^(localhost|127\.)|\.localhost$/.test(url.hostname);
}
