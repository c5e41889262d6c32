import fs from 'node:fs';
import path from 'node:path';
import { formatModelId } from '../../protocol/model-id.ts';
import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import { hashesOf, type Installed, listInstalled, requireInstalled } from '../store/catalog.ts';
import { acquireLock } from '../store/lock.ts';
import { Staging } from '../store/staging.ts';
import { warnOfUnreadable } from '../store/unreadable.ts';
import { dropUnused } from '../store/unused.ts';
import { type AddCommand, type JsonFlag, withExample } from './command.ts';

interface Flags extends JsonFlag {
  readonly all?: boolean;
}

export const addUninstall: AddCommand = (program, run) => {
  withExample(
    program
      .command('uninstall <id>')
      .alias('remove')
      .description('remove an installed model from this machine')
      .option('--all', 'every version of it'),
    'axon uninstall hf/org/model@latest',
    'axon uninstall hf/org/model --all',
  ).action((text: string, flags: Flags) =>
    run(flags.json === true, async (context) => {
      const models = choose(text, flags.all === true, context);
      for (const model of models) await remove(model, context);
      const ids = models.map((model) => formatModelId(model.id));
      context.output.result(
        { removed: ids },
        ids.map((id) => `Removed ${id}`),
      );
    }),
  );
};

/** A version that is written decides; without one there must be only one, or --all. */
function choose(text: string, all: boolean, { layout, output }: Context): Installed[] {
  if (text.lastIndexOf('@') > 0 && !all) return [requireInstalled(layout, text)];
  const at = text.lastIndexOf('@');
  const name = at > 0 ? text.slice(0, at) : text;
  const models = listInstalled(layout, warnOfUnreadable(output)).filter(
    ({ id }) => `${id.namespace}/${id.name}` === name,
  );
  if (models.length === 0) return [requireInstalled(layout, text)];
  if (models.length === 1 || all) return models;
  const ids = models.map(({ id }) => formatModelId(id));
  throw new AxonError(
    'AMBIGUOUS',
    `Several versions are installed: ${ids.join(', ')}. Name one, or take --all.`,
    {
      details: { candidates: ids },
    },
  );
}

async function remove({ id, dir }: Installed, { layout, output, signal }: Context): Promise<void> {
  const lock = await acquireLock(layout.lockName(id), {
    waitMs: 60_000,
    signal,
    onWait: () => output.note(`Another axon works on ${formatModelId(id)}; waiting for it.`),
  });
  try {
    const hashes = hashesOf(dir);
    new Staging(layout, id).remove();
    for (let up = path.dirname(dir); up !== layout.models; up = path.dirname(up)) {
      if (fs.readdirSync(up).length > 0) break;
      fs.rmdirSync(up);
    }
    dropUnused(layout, hashes, (text) => output.warn(text));
  } finally {
    lock.release();
  }
}
