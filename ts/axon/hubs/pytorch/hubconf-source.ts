import { didYouMean } from '../../../protocol/nearest.ts';
import { AxonError } from '../../axon-error.ts';
import type { Context } from '../../context.ts';
import { parseHttpUrl } from '../../download/follow.ts';
import { isInside } from '../../download/redirect.ts';
import { publicAddress } from '../../package/public-address.ts';
import type { FileSource } from '../hub.ts';
import { idSegment } from '../id-segment.ts';
import { type FoundUrls, findWeightsUrls } from './find-weights-urls.ts';
import { GitHub, type PinnedRepo } from './github.ts';
import { type PythonFunction, PythonModule } from './python-module.ts';
import type { PytorchSpec } from './pytorch-spec.ts';
import { missing, weightsEndpoint, weightsOrigin } from './vision-source.ts';
import { statedPrefix } from './weights.ts';
import { type WeightsFile, WeightsSource } from './weights-source.ts';

const maxTextLength = 1024 * 1024;
/** Modules that an entrypoint is followed through. */
const maxModules = 4;

/** A repository with a hubconf.py. torch.hub would run that file; here it is read, at a pinned commit. */
export async function hubconfSource(
  spec: PytorchSpec & { readonly kind: 'repository' },
  context: Context,
): Promise<FileSource> {
  const github = new GitHub(context);
  const pinned = await github.pin(spec.repo, spec.ref);
  const { module, entry } = await findEntry(spec.entry, pinned, github);
  const found = findWeightsUrls(module, entry);
  if (found.urls.length === 0) throw noUrls(spec.entry, pinned, found);
  const files = found.urls.map((url) => weightsFile(url, github, context));
  if (files.some((file) => file.expected === null))
    context.output.warn(
      `${spec.repo} states no hash for the weights of ${spec.entry}: they are trusted on first use.`,
    );
  const pin = {
    hub: 'pytorch',
    id: `${spec.repo}/${spec.entry}`,
    revision: pinned.commit,
    url: publicAddress(found.urls[0] ?? '') || null,
  };
  const code = pinned.license === null ? '' : ` The repository's own licence: ${pinned.license}.`;
  const description = {
    description: `Weights of the entrypoint ${spec.entry} of ${spec.repo}. A state dict, which has no graph.${code}`,
    homepage: `https://github.com/${spec.repo}/tree/${pinned.commit}`,
    tags: ['pytorch'],
  };
  return new WeightsSource(pin, files, description, missing('the weights'), context);
}

interface Entry {
  readonly module: PythonModule;
  readonly entry: PythonFunction;
}

/** The function behind the name: in hubconf.py, or in the module of the repository that it comes from. */
async function findEntry(name: string, pinned: PinnedRepo, github: GitHub): Promise<Entry> {
  const hubconf = await readModule('hubconf.py', pinned, github);
  if (hubconf === null)
    throw new AxonError('NOT_FOUND', `${pinned.repo} has no hubconf.py at ${pinned.commit}.`);
  let module = hubconf;
  let wanted = name;
  for (let step = 0; step < maxModules; step++) {
    const entry = module.functions.get(wanted);
    if (entry !== undefined) return { module, entry };
    const from = module.imports.get(wanted);
    if (from === undefined) break;
    const path = from.module.replace(/^\.+/, '').replaceAll('.', '/');
    const next =
      (await readModule(`${path}.py`, pinned, github)) ??
      (await readModule(`${path}/__init__.py`, pinned, github));
    if (next === null)
      throw new AxonError(
        'NO_MODEL',
        `${name} comes from the module ${from.module}, which is not in ${pinned.repo} itself; axon reads the repository and runs nothing.`,
      );
    module = next;
    wanted = from.name;
  }
  const names = hubconf.entrypoints;
  throw new AxonError(
    'NOT_FOUND',
    `${pinned.repo} has no entrypoint ${JSON.stringify(name)} that can be read without running it.${didYouMean(name, names)} hubconf.py has: ${names.slice(0, 30).join(', ') || 'none'}.`,
  );
}

async function readModule(
  path: string,
  pinned: PinnedRepo,
  github: GitHub,
): Promise<PythonModule | null> {
  if (!/^[\w/.-]+$/.test(path) || path.includes('..')) return null;
  const text = await github.text(pinned, path);
  if (text === null) return null;
  if (text.length > maxTextLength)
    throw new AxonError('BAD_RESPONSE', `${path} of ${pinned.repo} is too large to be read.`);
  return new PythonModule(text);
}

function noUrls(entry: string, { repo }: PinnedRepo, { unclear }: FoundUrls): AxonError {
  const found =
    unclear.length === 0
      ? 'It loads no weights from an address'
      : `It loads ${unclear.slice(0, 5).join(', ')}, which only running the code would tell`;
  return new AxonError(
    'NO_MODEL',
    `The address of the weights of ${entry} cannot be read from ${repo}. ${found}. If you know the address: axon install <address>.`,
    { details: { unclear: unclear.slice(0, 20) } },
  );
}

/** An address in somebody's code must not lead into this network. */
function weightsFile(text: string, github: GitHub, { env }: Context): WeightsFile {
  const mirrored = text.startsWith(`${weightsOrigin}/`)
    ? weightsEndpoint(env) + text.slice(weightsOrigin.length)
    : text;
  const url = parseHttpUrl(mirrored);
  const own = parseHttpUrl(github.endpoint);
  if (mirrored === text && isInside(url) && !isInside(own))
    throw new AxonError(
      'UNSAFE_PACKAGE',
      `hubconf.py names ${text}, an address inside this network.`,
    );
  if (url.protocol !== 'https:' && own.protocol === 'https:' && mirrored === text)
    throw new AxonError('UNSAFE_PACKAGE', `hubconf.py names ${text}; only https is taken.`);
  const last = url.pathname.slice(url.pathname.lastIndexOf('/') + 1);
  const file = idSegment(last);
  return { file, url: url.href, expected: statedPrefix(file) };
}
