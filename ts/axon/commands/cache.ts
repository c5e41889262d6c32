import path from 'node:path';
import { formatModelId } from '../../protocol/model-id.ts';
import type { Context } from '../context.ts';
import { formatBytes, formatCount } from '../render/format.ts';
import { diskUse } from '../store/disk-use.ts';
import { namesIn } from '../store/names-in.ts';
import { bytesOf, removeIdleStaging } from '../store/staging-removal.ts';
import { warnOfUnreadable } from '../store/unreadable.ts';
import { type Former, formerModels, importFormer, requireCache } from '../upkeep/former-cache.ts';
import { type AddCommand, allowPickleWords, type JsonFlag, withExample } from './command.ts';
import { installedRows, tableOf } from './list.ts';
import { forEachModel } from './several.ts';

interface ImportFlags extends JsonFlag {
  readonly allowPickle?: boolean;
}

interface CleanFlags extends JsonFlag {
  readonly dryRun?: boolean;
}

export const addCache: AddCommand = (program, run) => {
  const cache = program.command('cache').description('the folder where models are kept');
  withExample(cache.command('list').description('the models in it'), 'axon cache list').action(
    (flags: JsonFlag) =>
      run(flags.json === true, (context) => {
        const rows = installedRows(context);
        context.output.result({ models: rows }, tableOf(rows, context));
      }),
  );
  withExample(cache.command('stats').description('how much it holds'), 'axon cache stats').action(
    (flags: JsonFlag) =>
      run(flags.json === true, (context) => {
        const { cache: root, models, staging } = context.layout;
        const onUnreadable = warnOfUnreadable(context.output);
        const use = diskUse(context.layout, onUnreadable);
        const unfinished = namesIn(staging, onUnreadable).map((name) =>
          bytesOf(path.join(staging, name), onUnreadable),
        );
        const facts = {
          path: root,
          models: use.models.length,
          models_bytes: use.bytes - use.unused,
          unused_bytes: use.unused,
          unfinished_bytes: unfinished.reduce((total, bytes) => total + bytes, 0),
        };
        context.output.result(facts, [
          `${formatCount(facts.models, 'model')}, ${formatBytes(facts.models_bytes)}, in ${models}`,
          `${formatBytes(facts.unused_bytes)} that no model uses; \`axon gc\` removes them`,
          `${formatBytes(facts.unfinished_bytes)} of unfinished downloads`,
        ]);
      }),
  );
  withExample(
    cache
      .command('import [dir]')
      .description('take over the models that an earlier release kept, here or in another cache')
      .option('--allow-pickle', allowPickleWords),
    'axon cache import',
    'axon cache import ~/.axon/cache',
  ).action((dir: string | undefined, flags: ImportFlags) =>
    run(flags.json === true, (context) => importAll(dir, flags, context)),
  );
  withExample(
    cache
      .command('clean')
      .description('remove unfinished downloads; installed models stay')
      .option('--dry-run', 'say what would go'),
    'axon cache clean',
  ).action((flags: CleanFlags) =>
    run(flags.json === true, async (context) => {
      const dry = flags.dryRun === true;
      const { layout, output, signal } = context;
      const done = await removeIdleStaging(layout, { leastAgeMs: 0, isDry: dry, signal });
      const verb = dry ? 'Would remove' : 'Removed';
      output.result({ ...done, dry_run: dry }, [
        `${verb} ${formatCount(done.removed, 'unfinished download')}, ${formatBytes(done.bytes)}.`,
      ]);
    }),
  );
};

async function importAll(
  dir: string | undefined,
  flags: ImportFlags,
  context: Context,
): Promise<void> {
  const { cwd, layout, output } = context;
  const cache = dir === undefined ? layout.cache : requireCache(path.resolve(cwd, dir));
  const former = new Map(
    formerModels(cache, warnOfUnreadable(output)).map((model) => [formatModelId(model.id), model]),
  );
  if (former.size === 0) {
    output.result({ imported: [] }, [`No model of an earlier release lies in ${cache}.`]);
    return;
  }
  await forEachModel(
    [...former.keys()],
    { done: 'imported', key: 'imported' },
    context,
    (id) => importFormer(former.get(id) as Former, flags.allowPickle === true, context),
    ({ id, files, bytes }) => [
      `Imported ${id}: ${formatCount(files, 'file')}, ${formatBytes(bytes)}`,
    ],
  );
}
