import type { Manifest } from '../../protocol/manifest.ts';
import { AxonError } from '../axon-error.ts';
import {
  type FoundPickle,
  mostPickleNames,
  type PickleFacts,
  pickleFacts,
} from '../formats/torch/pickle-facts.ts';

/** By what their loader may do, the least first. */
const severities = ['tensors-only', 'torchscript', 'may-run-code'];

/**
 * A manifest that calls its pickles more harmless than they are is refused, also where pickles are allowed. One that
 * says nothing of them is not: earlier releases did not see all that this one sees.
 */
export function requireTruePickles({ spec }: Manifest, pickles: readonly FoundPickle[]): void {
  const { pickle: stated } = spec.format;
  const found = pickleFacts(pickles);
  if (stated === undefined || found?.pickle === undefined) return;
  const names = unstatedNames(spec.format, found);
  const isTrue = severities.indexOf(found.pickle) <= severities.indexOf(stated);
  if (isTrue && names.length === 0) return;
  const shown = names.length > 0 ? names : (found.pickle_names ?? []);
  const why =
    shown.length === 0 ? `they are ${found.pickle}` : `they name ${shown.slice(0, 5).join(', ')}`;
  throw new AxonError(
    'INVALID_PACKAGE',
    `manifest.yaml calls its pickles ${stated}${isTrue ? ', without all that they name' : ''}; ${why}. Nothing was installed.`,
    { details: { stated, found: found.pickle, names } },
  );
}

/** What is only a remark in brackets may be worded in another way by another release. */
function unstatedNames(
  { pickle_names: stated = [] }: PickleFacts,
  { pickle_names: found = [] }: PickleFacts,
): readonly string[] {
  const isWhole = stated.length < mostPickleNames;
  return found.filter((name) => isWhole && !name.startsWith('(') && !stated.includes(name));
}
