import { formatModelId } from '../../protocol/model-id.ts';
import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import { storeBlobs } from '../install/reuse.ts';
import { formatCount } from '../render/format.ts';
import type { Installed } from '../store/catalog.ts';
import { manifestName } from '../store/layout.ts';
import {
  brokenFiles,
  type CheckedModel,
  checkStore,
  isWhole,
  type StoreCheck,
} from '../upkeep/check-store.ts';
import { reinstallModel } from '../upkeep/reinstall.ts';
import { renewNote } from '../upkeep/renew-note.ts';
import { repairModel } from '../upkeep/repair.ts';
import { type AddCommand, type JsonFlag, withExample } from './command.ts';

interface Flags extends JsonFlag {
  readonly repair?: boolean;
}

export const addFsck: AddCommand = (program, run) => {
  withExample(
    program
      .command('fsck')
      .description('hash everything in the store; with --repair bring again what is damaged')
      .option('--repair', 'fetch the damaged and missing files, and only those'),
    'axon fsck',
    'axon fsck --repair',
  ).action((flags: Flags) =>
    run(flags.json === true, async (context) => {
      const { layout, output, signal } = context;
      const before = await checkStore(layout, signal);
      const repaired = flags.repair === true ? await repair(before, context) : [];
      const after = flags.repair === true ? await checkStore(layout, signal) : before;
      const problems = problemsOf(after);
      const facts = { blobs: after.blobs, models: after.models.length, repaired };
      const done = repaired.map(repairedText);
      if (problems.length === 0) {
        output.result({ ...facts, ok: true }, [
          ...done,
          `${formatCount(facts.models, 'model')} and ${formatCount(facts.blobs, 'stored file')} are as they should be.`,
        ]);
        return;
      }
      throw new AxonError(
        'VERIFY_FAILED',
        `${[...done, ...problems.slice(0, 20)].join(' ')} ${next(flags.repair === true)}`,
        { details: { ...facts, problems } },
      );
    }),
  );
};

type Repaired = { readonly id: string } & (
  | { readonly fetched: number; readonly taken: number }
  | { readonly reinstalled: string }
  | { readonly note: 'renewed' }
);

function repairedText(done: Repaired): string {
  return `Repaired ${done.id}: ${wordsOf(done)}.`;
}

function wordsOf(how: Repaired): string {
  if ('reinstalled' in how) return `installed again from ${how.reinstalled}`;
  if ('note' in how)
    return 'the note of its install was written anew; where it came from is not known any more';
  return `${formatCount(how.fetched, 'file')} fetched, ${how.taken} from here`;
}

/** What cannot be repaired is told and stays; the others go on. */
async function repair(check: StoreCheck, context: Context): Promise<Repaired[]> {
  const blobs = storeBlobs(context);
  for (const name of check.damagedBlobs) blobs.discard(name);
  const repaired: Repaired[] = [];
  const attempt = async <T extends object>(model: Installed, work: () => Promise<T>) => {
    const id = formatModelId(model.id);
    try {
      return [{ id, ...(await work()) }];
    } catch (error) {
      context.signal.throwIfAborted();
      context.output.warn(`${id}: ${AxonError.from(error).message}`);
      return [];
    }
  };
  for (const { model } of check.broken)
    repaired.push(...(await attempt(model, () => bringBack(model, context))));
  for (const { model, found } of check.models) {
    const names = brokenFiles(found);
    if (names.length === 0) continue;
    // The manifest holds all hashes: nothing can be measured against one that is damaged itself.
    const done = names.includes(manifestName)
      ? await attempt(model, () => reinstallModel(model, context))
      : await attempt(model, () => repairModel(model, names, context));
    repaired.push(...done);
  }
  return repaired;
}

/** A model that cannot be read: its note is damaged, or its manifest. */
async function bringBack(model: Installed, context: Context) {
  return (await renewNote(model, context))
    ? ({ note: 'renewed' } as const)
    : reinstallModel(model, context);
}

function problemsOf({ damagedBlobs, models, broken, others }: StoreCheck): string[] {
  return [
    ...damagedBlobs.map((name) => `A stored file is damaged: sha256 ${name}.`),
    ...others,
    ...broken.map(({ model, reason }) => `${formatModelId(model.id)} cannot be read: ${reason}`),
    ...models.filter(({ found }) => !isWhole(found)).map(ofModel),
  ];
}

function ofModel({ model, found: { missing, damaged, extra } }: CheckedModel): string {
  const parts = Object.entries({ missing, damaged, extra }).flatMap(([what, names]) =>
    names.map((name) => `${what} ${name}`),
  );
  return `${formatModelId(model.id)}: ${parts.join(', ')}.`;
}

function next(isRepair: boolean): string {
  return isRepair
    ? 'What is left is for you: remove extra files; `axon verify <id>` says what brings a model again.'
    : '`axon fsck --repair` brings again what is missing or damaged.';
}
