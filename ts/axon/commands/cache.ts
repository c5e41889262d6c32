import fs from 'node:fs';
import path from 'node:path';
import { formatModelId } from '../../protocol/model-id.ts';
import type { Context } from '../context.ts';
import { formatBytes, formatCount } from '../render/format.ts';
import { isHeld } from '../store/lock.ts';
import { warnOfUnreadable } from '../store/unreadable.ts';
import { type Former, formerModels, importFormer, requireCache } from '../upkeep/former-cache.ts';
import { type AddCommand, type JsonFlag, withExample } from './command.ts';
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
        const rows = installedRows(context);
        const { cache: root, models, staging } = context.layout;
        const facts = {
          path: root,
          models: rows.length,
          models_bytes: bytesIn(models),
          unfinished_bytes: bytesIn(staging),
        };
        context.output.result(facts, [
          `${formatCount(facts.models, 'model')}, ${formatBytes(facts.models_bytes)}, in ${models}`,
          `${formatBytes(facts.unfinished_bytes)} of unfinished downloads`,
        ]);
      }),
  );
  withExample(
    cache
      .command('import [dir]')
      .description('take over the models that an earlier release kept, here or in another cache')
      .option('--allow-pickle', 'take pickle files that could run code when they are loaded'),
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
    run(flags.json === true, (context) => {
      const idle = idleStaging(context);
      const bytes = idle.reduce((total, dir) => total + bytesIn(dir), 0);
      const dry = flags.dryRun === true;
      if (!dry) for (const dir of idle) fs.rmSync(dir, { recursive: true, force: true });
      const verb = dry ? 'Would remove' : 'Removed';
      context.output.result({ removed: idle.length, bytes, dry_run: dry }, [
        `${verb} ${formatCount(idle.length, 'unfinished download')}, ${formatBytes(bytes)}.`,
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

function bytesIn(dir: string): number {
  if (!fs.existsSync(dir)) return 0;
  let total = 0;
  for (const entry of fs.readdirSync(dir, { withFileTypes: true })) {
    const full = path.join(dir, entry.name);
    if (entry.isDirectory()) total += bytesIn(full);
    else if (entry.isFile()) total += fs.lstatSync(full).size;
  }
  return total;
}

/** Staging folders that no running install holds. One with a package set aside is left to its next install. */
function idleStaging({ layout }: Context): string[] {
  if (!fs.existsSync(layout.staging)) return [];
  return fs
    .readdirSync(layout.staging)
    .map((name) => path.join(layout.staging, name))
    .filter((dir) => {
      if (fs.existsSync(path.join(dir, 'replaced'))) return false;
      return !isHeld(layout.lockOfKey(path.basename(dir)));
    });
}
