import type { ManifestFile } from '../../protocol/manifest.ts';
import { AxonError } from '../axon-error.ts';
import {
  type FoundPickle,
  findPickles,
  type PickleFacts,
  pickleFacts,
} from '../formats/torch/pickle-facts.ts';
import type { LeftOut } from '../selection/left-out.ts';
import type { InstallOptions } from './options.ts';

/*
 * A pickle is a program that its loader runs. Without --allow-pickle one is installed only where
 * 1. its opcodes name nothing but what tensors need (or it is TorchScript, whose loader runs no Python), and
 * 2. its bytes were compared with a hash that somebody stated, or came from this machine.
 */
interface PickleOrigin {
  readonly label: string;
  /** What else is there. */
  readonly leftOut?: readonly LeftOut[];
}

export function checkPickles(
  root: string,
  files: readonly ManifestFile[],
  options: InstallOptions,
  origin: PickleOrigin,
): PickleFacts | null {
  const pickles = findPickles(
    root,
    files.map((file) => file.path),
  );
  const unproven = new Set(
    files.filter((file) => file.verified_by === 'tofu').map((file) => file.path),
  );
  refusePickles(pickles, unproven, options, origin);
  return pickleFacts(pickles);
}

/** Throws where a pickle is not to be installed. `unproven`: paths of files whose bytes nobody vouches for. */
export function refusePickles(
  pickles: readonly FoundPickle[],
  unproven: ReadonlySet<string>,
  { allowPickle }: Pick<InstallOptions, 'allowPickle'>,
  origin: PickleOrigin,
): void {
  const refused = pickles.filter(
    (pickle) => pickle.suspicious.length > 0 || unproven.has(pickle.path),
  );
  if (refused.length > 0 && !allowPickle) throw refusal(refused, origin);
}

function refusal(refused: readonly FoundPickle[], { label, leftOut }: PickleOrigin): AxonError {
  const [worst] = refused.toSorted((a, b) => b.suspicious.length - a.suspicious.length);
  const names = worst?.suspicious ?? [];
  const why =
    names.length > 0
      ? `can run code when it is loaded: it names ${names.slice(0, 5).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`
      : 'is a pickle, and nothing states its hash: who sent it could have put anything into it';
  return new AxonError(
    'PICKLE_REFUSED',
    `${worst?.path} of ${label} ${why}. ${saferThan(leftOut ?? [])}--allow-pickle takes it all the same; nothing was installed.`,
    {
      details: {
        pickles: refused.slice(0, 20).map(({ path, kind, suspicious }) => ({
          path,
          kind,
          names: suspicious.slice(0, 50),
        })),
      },
    },
  );
}

/** Another format of the same source that runs no code when it is loaded. */
function saferThan(leftOut: readonly LeftOut[]): string {
  const safer = ['safetensors', 'onnx', 'gguf'].find((format) =>
    leftOut.some(({ why }) => why === `another format; --format ${format}`),
  );
  return safer === undefined ? '' : `Safer: --format ${safer}, which is there too. `;
}
